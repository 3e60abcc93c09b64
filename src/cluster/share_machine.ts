import { availableParallelism } from 'node:os';
import { findGpus } from '../setup/nvidia.ts';
import type { World } from './world.ts';

/** @returns how many threads a rank's engine is to take, so that those with the same cores share them. */
export function threadsOf({ onSameCores }: World): number {
  return Math.max(1, Math.floor(availableParallelism() / onSameCores));
}

/** Gives each rank of a host a GPU of its own, by CUDA_VISIBLE_DEVICES, unless the launcher has; before the engine starts. */
export async function takeGpu({ localRank, localSize }: World): Promise<void> {
  if (localSize === 1) return;
  const given = process.env.CUDA_VISIBLE_DEVICES;
  const gpus = given === undefined ? (await findGpus()).map((_, index) => String(index)) : given.split(',');
  // One that is given alone is this rank's.
  if (gpus.length > 1) process.env.CUDA_VISIBLE_DEVICES = gpus[localRank % gpus.length];
}
