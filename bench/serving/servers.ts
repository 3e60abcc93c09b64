import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readSettings } from '../../src/config/index.ts';
import { startEngine } from '../../src/engine/index.ts';
import { saveImported } from '../../src/formats/network.ts';
import { createModel } from '../../src/models/model.ts';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { pythonWith } from '../against/python.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface RunningServer {
  name: string;
  url: string;
  process: ChildProcess;
}

/** The article's network with random weights, as a run in `folder`. */
export async function saveNetwork(folder: string): Promise<void> {
  const engine = await startEngine('wasm', { threads: 1 });
  const settings = await readSettings({});
  const description = {
    architecture: 'article',
    width: 100,
    height: 100,
    channels: 3,
    classes: ['bat', 'sup'],
  } as const;
  const model = createModel({ ...description, classes: [...description.classes] });
  const weights = new Map(
    [...model.variables].map(([name, variable]) => {
      const values = variable.dataSync() as Float32Array;
      return [name, { name, shape: variable.shape, values }];
    }),
  );
  await saveImported(
    {
      model: model.description,
      preprocessing: { ...ownPreprocessing, fit: 'fill' },
      layers: model.layers,
      weights,
      temperature: 1,
    },
    join(folder, 'checkpoints', 'run-001'),
    settings,
  );
  model.dispose();
  await engine.dispose();
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** @throws {Error} where nothing answers within a minute. */
async function whenUp(server: RunningServer, path: string): Promise<RunningServer> {
  for (let tries = 0; tries < 600; tries++) {
    const response = await fetch(`${server.url}${path}`).catch(() => undefined);
    if (response?.ok) return server;
    await sleep(100);
  }
  throw new Error(`${server.name} does not answer.`);
}

export async function startOurs(
  folder: string,
  engine: string,
  flags: string[] = [],
): Promise<RunningServer> {
  const port = await freePort();
  const args = ['serve', '--engine', engine, '--port', String(port), ...flags];
  const child = spawn(process.execPath, [file('../../dist/bin/bat-sup.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return whenUp(
    { name: `bat-sup serve, ${engine}`, url: `http://127.0.0.1:${port}/`, process: child },
    'readyz',
  );
}

/** @param threads of PyTorch. */
export async function startFastApi(threads: number): Promise<RunningServer> {
  const port = await freePort();
  const script = file('../against/serve_fastapi.py');
  const python = pythonWith(undefined, 'pytorch');
  const child = spawn(python, [script, String(port), String(threads)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const name = `FastAPI, PyTorch with ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return whenUp({ name, url: `http://127.0.0.1:${port}/`, process: child }, 'docs');
}
