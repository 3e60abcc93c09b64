import { UserError } from '../errors.ts';
import { copyNameOf } from '../images/generated.ts';
import { readSoftLabels } from '../images/soft_labels.ts';
import { type Dataset, pathBelow } from './scan.ts';
import type { Split } from './split.ts';

/**
 * Adds the soft labels of pictures that augment has mixed from several (mixup, cutmix). Mixed pictures are never
 * validated, and not trained on if one of their sources is not.
 * @param folder the dataset's, data/.
 * @throws {UserError} where a label names a class that does not exist.
 */
export async function applySoftLabels(
  folder: string,
  dataset: Dataset,
  split: Split,
): Promise<{ dataset: Dataset; split: Split }> {
  const labels = await readSoftLabels(folder);
  if (Object.keys(labels).length === 0) return { dataset, split };
  if (dataset.pictures.some((picture) => picture.labels))
    throw new UserError(
      'augment has mixed pictures (mixup, cutmix), which --multi-label cannot learn from; run "bat-sup augment --clean", ' +
        'then augment without these operations.',
    );
  const paths = dataset.pictures.map(({ file }) => pathBelow(folder, file));
  const pictures = dataset.pictures.map((picture, index) => {
    const label = labels[paths[index] as string];
    return label ? { ...picture, softLabel: softLabelOf(label.shares, dataset.classes) } : picture;
  });
  const untrained = new Set(paths);
  for (const index of split.train) untrained.delete(paths[index] as string);
  const isTrained = (index: number) =>
    !labels[paths[index] as string]?.sources.some((source) => untrained.has(copyNameOf(source)));
  return {
    dataset: { ...dataset, pictures },
    split: {
      train: split.train.filter(isTrained),
      validation: split.validation.filter((index) => !pictures[index]?.softLabel),
    },
  };
}

function softLabelOf(shares: Record<string, number>, classes: string[]): number[] {
  const unknown = Object.keys(shares).find((name) => !classes.includes(name));
  if (unknown !== undefined) {
    throw new UserError(
      `A mixed picture shows the class "${unknown}", which does not exist; run "bat-sup augment" again.`,
    );
  }
  return classes.map((name) => shares[name] ?? 0);
}
