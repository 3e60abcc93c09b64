import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { bin } from '../../test/helpers/bin.ts';
import { freePort } from '../../test/helpers/free_port.ts';
import { pythonScript, pythonWith } from '../against/python.ts';

export interface RunningServer {
  name: string;
  url: string;
  process: ChildProcess;
}

/** @throws {Error} where the server does not answer within a minute. */
async function whenReady(server: RunningServer, path: string): Promise<RunningServer> {
  for (let tries = 0; tries < 600; tries++) {
    const response = await fetch(`${server.url}${path}`).catch(() => undefined);
    if (response?.ok) return server;
    await sleep(100);
  }
  throw new Error(`${server.name} does not answer.`);
}

export function startOurs(folder: string, engine: string): Promise<RunningServer> {
  const command = (port: number) => [
    process.execPath,
    ...[bin, 'serve', '--engine', engine, '--port', String(port)],
  ];
  return start(`bat-sup serve, ${engine}`, command, 'readyz', folder);
}

/** @param threads PyTorch's. */
export function startFastApi(threads: number, python: string): Promise<RunningServer> {
  const name = `FastAPI, PyTorch with ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const command = (port: number) =>
    pythonScript(pythonWith('pytorch', python), 'serve_fastapi.py', port, threads);
  return start(name, command, 'docs');
}

/** @param path answered with 200 once the server is ready. */
async function start(
  name: string,
  command: (port: number) => string[],
  path: string,
  cwd?: string,
): Promise<RunningServer> {
  const port = await freePort();
  const [program = '', ...args] = command(port);
  const child = spawn(program, args, { ...(cwd && { cwd }), stdio: ['ignore', 'ignore', 'inherit'] });
  return whenReady({ name, url: `http://127.0.0.1:${port}/`, process: child }, path);
}
