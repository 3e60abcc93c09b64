import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pythonWith } from '../against/python.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface RunningServer {
  name: string;
  url: string;
  process: ChildProcess;
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
