import { relative, sep } from 'node:path';
import { UserError } from '../errors.ts';
import { copyNameOf } from '../images/generated.ts';
import { readSoftLabels } from '../images/soft_labels.ts';
import type { Dataset } from './scan.ts';
import type { Split } from './split.ts';

/**
 * The dataset with the shares of pictures that show more than one class, and the split without those that mix what
 * is held back with what is trained on: validation has none, and training none with a source that validation has.
 * @throws {UserError} where a label names a class that is not there.
 */
export async function applySoftLabels(
  folder: string,
  dataset: Dataset,
  split: Split,
): Promise<{ dataset: Dataset; split: Split }> {
  const labels = await readSoftLabels(folder);
  if (Object.keys(labels).length === 0) return { dataset, split };
  const pathOf = (file: string) => relative(folder, file).split(sep).join('/');
  const paths = dataset.pictures.map(({ file }) => pathOf(file));
  const pictures = dataset.pictures.map((picture, index) => {
    const label = labels[paths[index] as string];
    return label ? { ...picture, shares: sharesOf(label.shares, dataset.classes) } : picture;
  });
  const sources = pictures.map(({ file, source = file }) => pathOf(source));
  const held = new Set(split.validation.map((index) => sources[index] as string));
  const isSeparate = (index: number) =>
    !labels[paths[index] as string]?.sources.some((source) => held.has(copyNameOf(source)));
  return {
    dataset: { ...dataset, pictures },
    split: {
      train: split.train.filter(isSeparate),
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
