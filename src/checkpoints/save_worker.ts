import type { CheckpointInfo } from './manifest.ts';
import { removeOldCheckpoints, type SavedTensors, saveCheckpoint } from './save.ts';

/** A checkpoint to save; its tensors are in shared memory. */
export interface SaveJob extends SavedTensors {
  run: string;
  /** How many of the newest checkpoints to keep. */
  keep: number;
  info: CheckpointInfo;
}

function allFinite({ weights }: SavedTensors): boolean {
  return weights.every(({ values }) => values.every(Number.isFinite));
}

/** Runs on a thread while training continues: computes the checksums, writes, and waits for the disk. */
export default async function work({ run, keep, info, weights, optimizer }: SaveJob): Promise<void> {
  // A checkpoint with NaN or infinite weights would replace the last good ones.
  if (!allFinite({ weights, optimizer })) return;
  await saveCheckpoint(run, info, { weights, optimizer });
  await removeOldCheckpoints(run, keep);
}
