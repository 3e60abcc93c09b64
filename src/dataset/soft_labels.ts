import { UserError } from '../errors.ts';
import { copyNameOf } from '../images/generated.ts';
import { readSoftLabels } from '../images/soft_labels.ts';
import { type Dataset, pathBelow } from './scan.ts';
import type { Split } from './split.ts';

/**
 * The dataset with the shares of pictures that show more than one class, and the split without those of them that mix
 * in a source that is not trained on.
 * @throws {UserError} where a label names a class that is not there.
 */
export async function applySoftLabels(
  folder: string,
  dataset: Dataset,
  split: Split,
): Promise<{ dataset: Dataset; split: Split }> {
  const labels = await readSoftLabels(folder);
  if (Object.keys(labels).length === 0) return { dataset, split };
  const paths = dataset.pictures.map(({ file }) => pathBelow(folder, file));
  const pictures = dataset.pictures.map((picture, index) => {
    const label = labels[paths[index] as string];
    return label ? { ...picture, shares: sharesOf(label.shares, dataset.classes) } : picture;
  });
  const untrained = new Set(paths);
  for (const index of split.train) untrained.delete(paths[index] as string);
  const isTrained = (index: number) =>
    !labels[paths[index] as string]?.sources.some((source) => untrained.has(copyNameOf(source)));
  return {
    dataset: { ...dataset, pictures },
    split: {
      train: split.train.filter(isTrained),
      validation: split.validation.filter((index) => !pictures[index]?.shares),
    },
  };
}

function sharesOf(shares: Record<string, number>, classes: string[]): number[] {
  const unknown = Object.keys(shares).find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new UserError(
      `A mixed picture shows "${unknown}", which is no class here; run "bat-sup augment" again.`,
    );
  }
  return classes.map((name) => shares[name] ?? 0);
}
