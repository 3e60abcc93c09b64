import type { CheckpointInfo } from './manifest.ts';
import { removeOldCheckpoints, type SavedTensors, saveCheckpoint } from './save.ts';

/** What is sent to the thread; the tensors are in shared memory. */
export interface SaveJob extends SavedTensors {
  run: string;
  /** Newest checkpoints to keep. */
  keep: number;
  info: CheckpointInfo;
}

function allFinite({ weights }: SavedTensors): boolean {
  return weights.every(({ values }) => values.every(Number.isFinite));
}

/** What the thread does with each snapshot: checksums, writing and waiting for the disk, while training goes on. */
export default async function work({ run, keep, info, weights, optimizer }: SaveJob): Promise<void> {
  // A network that has left the numbers would push the last good checkpoints out.
  if (!allFinite({ weights, optimizer })) return;
  await saveCheckpoint(run, info, { weights, optimizer });
  await removeOldCheckpoints(run, keep);
}
