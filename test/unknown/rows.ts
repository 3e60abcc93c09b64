import seedrandom from 'seedrandom';
import { normal } from '../../src/augment/random.ts';

/** Rows of features around the centre of each class, as those behind a ReLU, and logits of a classifier that is often right. */
export function rowsOf(
  seed: string,
  count: number,
  { length, classes }: { length: number; classes: number },
) {
  const random = seedrandom(seed);
  const centres = seedrandom('centres');
  const centre = Float64Array.from({ length: classes * length }, () => normal(centres));
  const labels = Array.from({ length: count }, (_, row) => row % classes);
  const features = Float32Array.from({ length: count * length }, (_, at) => {
    const label = labels[Math.floor(at / length)] as number;
    return Math.max(0, (centre[label * length + (at % length)] as number) + 1.5 * normal(random));
  });
  const logits = Float32Array.from({ length: count * classes }, (_, at) => {
    return 2 * normal(random) + (labels[Math.floor(at / classes)] === at % classes ? 2 : 0);
  });
  return { features, labels, logits };
}
