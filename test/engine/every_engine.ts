import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { findInstallation } from '../../src/engine/native/installation.ts';

export interface Machine {
  engine: EngineName;
  threads: number;
}

/** The engines that run here. */
export const machines: Machine[] = [
  { engine: 'cpu', threads: 1 },
  { engine: 'wasm', threads: 1 },
  { engine: 'wasm', threads: 2 },
  ...(findInstallation() ? [{ engine: 'native' as const, threads: 2 }] : []),
];

/** What `compute` returns on an engine. */
export async function computeOn<T>({ engine, threads }: Machine, compute: () => T | Promise<T>): Promise<T> {
  const started = await startEngine(engine, { threads });
  try {
    return await compute();
  } finally {
    await started.dispose();
  }
}
