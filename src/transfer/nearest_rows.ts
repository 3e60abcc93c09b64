import { tf } from '../tensors/tf.ts';

/** A row of features that resembles another. */
export interface Neighbour {
  row: number;
  /** Cosine of the angle between the two rows around the mean of all rows, -1 to 1. */
  cosine: number;
}

export interface NearestOptions {
  /** Neighbours per row. */
  count: number;
  /** [rows]: rows of one group are not each other's neighbours. */
  groups: ArrayLike<number>;
}

/** Cosines that are computed at once. */
const blockSize = 2 ** 22;

/** The rows around their mean, each with the length 1. @returns float32 [rows, length] */
export function centredDirections(features: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const centred = tf.sub(features, tf.mean(features, 0));
    const lengths = tf.maximum(tf.norm(centred, 2, 1, true), 1e-12);
    return tf.div(centred, lengths) as tf.Tensor2D;
  });
}

/**
 * The rows with the largest cosines, the nearest first; of equal ones the first.
 * @param isLeftOut asked only of rows that would be among them.
 */
export function largestOf(
  cosines: Float32Array,
  count: number,
  isLeftOut: (row: number) => boolean,
): Neighbour[] {
  const list: Neighbour[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < cosines.length; row++) {
    const cosine = cosines[row] as number;
    if (cosine <= least || isLeftOut(row)) continue;
    let at = list.length;
    while (at > 0 && (list[at - 1] as Neighbour).cosine < cosine) at--;
    list.splice(at, 0, { row, cosine });
    if (list.length > count) list.pop();
    if (list.length === count) least = (list[count - 1] as Neighbour).cosine;
  }
  return list;
}

/**
 * The nearest other rows of each row, by the cosine between rows around their mean. An engine must be running.
 * @param features float32 [rows, length]
 * @returns for each row its neighbours, the nearest first; of equal ones the first row.
 */
export async function nearestRows(
  { features, length }: { features: Float32Array; length: number },
  { count, groups }: NearestOptions,
): Promise<Neighbour[][]> {
  const rows = features.length / length;
  const all = tf.tidy(() => centredDirections(tf.tensor2d(features, [rows, length])));
  const found: Neighbour[][] = [];
  const rowsAtOnce = Math.max(1, Math.floor(blockSize / Math.max(rows, 1)));
  try {
    for (let first = 0; first < rows; first += rowsAtOnce) {
      const some = Math.min(rowsAtOnce, rows - first);
      const block = tf.tidy(() => tf.matMul(tf.slice(all, first, some), all, false, true));
      const cosines = (await block.data()) as Float32Array;
      block.dispose();
      for (let row = 0; row < some; row++) {
        const group = groups[first + row];
        const own = cosines.subarray(row * rows, (row + 1) * rows);
        found.push(largestOf(own, count, (other) => groups[other] === group));
      }
    }
    return found;
  } finally {
    all.dispose();
  }
}
