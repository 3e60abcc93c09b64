import { findGpus } from '../setup/nvidia.ts';
import { usableCores } from '../system/cores.ts';
import type { World } from './world.ts';

/** Number of threads for the engine of a rank, so that ranks on the same cores share them. */
export function threadsOf({ onSameCores }: World): number {
  return Math.max(1, Math.floor(usableCores() / onSameCores));
}

/** Gives each rank on a host its own GPU by CUDA_VISIBLE_DEVICES, unless the launcher did. Call it before the engine starts. */
export async function takeGpu({ localRank, localSize }: World): Promise<void> {
  if (localSize === 1) return;
  const given = process.env.CUDA_VISIBLE_DEVICES;
  const gpus = given === undefined ? (await findGpus()).map((_, index) => String(index)) : given.split(',');
  // A single GPU in CUDA_VISIBLE_DEVICES was chosen for this rank by the launcher.
  if (gpus.length > 1) process.env.CUDA_VISIBLE_DEVICES = gpus[localRank % gpus.length];
}
