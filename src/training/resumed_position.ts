import type { Checkpoint, Position } from '../checkpoints/index.ts';

/** The epoch as it would be trained now. */
export interface EpochPlan {
  /** See {@link digestOf}. */
  digest: string;
  /** Pictures per step, over all ranks. */
  batchSize: number;
  stepsPerEpoch: number;
}

/**
 * Where to continue: at the checkpoint's position, or, where the pictures or their split have changed, at the start of
 * its epoch.
 * @param notice called where the epoch starts again.
 */
export function resumedPosition(
  { manifest: { position, training } }: Checkpoint,
  now: EpochPlan,
  notice?: (text: string) => void,
): Position {
  if (training.dataset === now.digest) return inBatchesOf(now, position, training.batchSize);
  notice?.('The pictures have changed since training began; this epoch starts again.');
  return { ...position, batch: 0, lossSum: 0, correct: 0 };
}

/**
 * The same position, counted in batches of another size and rounded down. The order of an epoch's pictures does not
 * depend on the batch size.
 */
function inBatchesOf(
  { batchSize, stepsPerEpoch }: EpochPlan,
  position: Position,
  sizeBefore: number,
): Position {
  if (batchSize === sizeBefore) return { ...position };
  const seen = position.batch * sizeBefore;
  const batch = Math.min(Math.floor(seen / batchSize), stepsPerEpoch);
  const lossSum = batch === 0 ? 0 : (position.lossSum * batch) / position.batch;
  const correct = batch === 0 ? 0 : Math.round((position.correct * batch * batchSize) / seen);
  return { ...position, batch, lossSum, correct };
}
