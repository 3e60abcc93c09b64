import type { NodeBackend } from './backend.ts';

const having = new WeakSet<NodeBackend>();

/** Says whether TensorFlow has our operations (installation.ts) and computes on the CPU, for which they are. */
export function useOwnOperations(backend: NodeBackend, on: boolean): void {
  if (on) having.add(backend);
  else having.delete(backend);
}

export function hasOwnOperations(backend: NodeBackend): boolean {
  return having.has(backend);
}
