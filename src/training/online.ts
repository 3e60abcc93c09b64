import type { Online } from '../augment/online.ts';
import type { Settings } from '../config/index.ts';
import type { AugmentBatch } from '../dataset/batches.ts';
import type { Dataset } from '../dataset/scan.ts';

/** Starts the thread that augments batches during training (--augment online). */
export async function startOnlineFor(dataset: Dataset, settings: Settings): Promise<Online> {
  const { startOnline } = await import('../augment/online.ts');
  const { augmentOperations: operations, augmentClasses: classes, width, height, channels } = settings;
  const job = { operations, classes, names: dataset.classes, width, height, channels };
  return startOnline(job, settings.batchSize);
}

/**
 * Augments the batches of one epoch; undefined without --augment online. What becomes of a picture depends only on the
 * seed, the epoch and the picture, so that a resumed epoch repeats it.
 * @param epoch 0 for the first.
 */
export function augmentationOf(
  online: Online | undefined,
  seed: number,
  epoch: number,
): AugmentBatch | undefined {
  if (!online) return undefined;
  const key = `${seed}/online/${epoch}`;
  return ({ pixels, labels }, indexes) => online.vary({ pixels, labels, key, indexes });
}
