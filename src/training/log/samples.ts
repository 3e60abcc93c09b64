import type { Batch } from '../../dataset/batches.ts';
import { openPack, type Pack } from '../../dataset/pack.ts';
import { type Dataset, labelsOf, nameOf, type Picture } from '../../dataset/scan.ts';
import type { Split } from '../../dataset/split.ts';
import type { ModelDescription } from '../../models/description.ts';
import { type EventWriter, encodePicture, imageSummary } from '../../tensorboard/index.ts';

const maxClasses = 12;
const picturesPerClass = 4;

/** Up to `count` of the indexes, evenly spaced. */
function spread(indexes: number[], count: number): number[] {
  const step = Math.max(indexes.length / count, 1);
  return Array.from(
    { length: Math.min(count, indexes.length) },
    (_, i) => indexes[Math.floor(i * step)] as number,
  );
}

/** Logs some training pictures of each class as the network sees them, and some that augment has made. */
export async function writeSamples(
  writer: EventWriter,
  { dataset, split, pack }: { dataset: Dataset; split: Split; pack: Pack },
  size: { width: number; height: number; channels: 1 | 3 },
): Promise<void> {
  const { width, height } = size;
  const handle = await openPack(pack);
  const encode = async (index: number) => {
    const pixels = new Uint8Array(pack.pictureBytes);
    await handle.read(pixels, 0, pixels.length, index * pixels.length);
    return encodePicture(pixels, size);
  };
  const pictureAt = (index: number) => dataset.pictures[index] as Picture;
  try {
    for (const [label, className] of dataset.classes.slice(0, maxClasses).entries()) {
      const ofClass = split.train.filter((index) => labelsOf(pictureAt(index)).includes(label));
      const kinds = {
        pictures: ofClass.filter((index) => !pictureAt(index).copyOf),
        'augmented pictures': ofClass.filter((index) => pictureAt(index).copyOf),
      };
      for (const [kind, indexes] of Object.entries(kinds)) {
        const chosen = spread(indexes, picturesPerClass);
        if (chosen.length === 0) continue;
        const files = await Promise.all(chosen.map(encode));
        const description = chosen.map((index) => `\`${nameOf(pictureAt(index))}\``).join(', ');
        writer.summary(0, imageSummary(`${kind}/${className}`, { width, height, files }, description));
      }
    }
  } finally {
    await handle.close();
  }
}

/** Logs pictures of a batch that was augmented during training, under the same tags as those of augment. */
export async function writeVaried(
  writer: EventWriter,
  { pixels, labels, labelSets }: Batch,
  { width, height, channels, classes }: ModelDescription,
  step: number,
): Promise<void> {
  const bytes = width * height * channels;
  for (const [label, className] of classes.slice(0, maxClasses).entries()) {
    const shows = (row: number) => labelSets?.[row]?.includes(label) ?? labels[row] === label;
    const rows = [...labels.keys()].filter(shows).slice(0, picturesPerClass);
    if (rows.length === 0) continue;
    const encoded = rows.map((row) =>
      encodePicture(pixels.subarray(row * bytes, (row + 1) * bytes), { width, height, channels }),
    );
    const files = await Promise.all(encoded);
    writer.summary(step, imageSummary(`augmented pictures/${className}`, { width, height, files }));
  }
}
