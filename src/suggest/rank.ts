import { tf } from '../tensors/tf.ts';
import { centredDirections } from '../transfer/nearest_rows.ts';

/** Pictures without labels, and those that have one. */
export interface Unlabelled {
  /** float32 [pictures, length], of the pictures without labels */
  features: Float32Array;
  /** float32 [labelled, length] */
  labelled: Float32Array;
  length: number;
  /** [pictures], 0 to 1: how unsure a classifier is about each. */
  uncertainties: ArrayLike<number>;
}

/** The rows that speak for all: similarities of more would fill the memory. */
const maxRows = 5000;

/** Every n-th row, so that at most `maxRows` are left. */
function sampleOf(rows: number): number[] {
  const step = Math.max(1, rows / maxRows);
  return Array.from({ length: Math.min(rows, maxRows) }, (_, index) => Math.floor(index * step));
}

/** Cosines around the mean of all pictures, those below 0 as 0. An engine must be running. */
async function similarities({ features, labelled, length }: Unlabelled, sample: number[]) {
  const [count, known] = [features.length / length, labelled.length / length];
  const [within, covered] = tf.tidy(() => {
    const all = centredDirections(
      tf.concat([
        tf.tensor2d(features, [count, length]),
        tf.tensor2d(labelled, [known, length]),
      ]) as tf.Tensor2D,
    );
    const rows = tf.gather(all, tf.tensor1d(sample, 'int32'));
    const best =
      known === 0
        ? tf.zeros([sample.length])
        : tf.relu(tf.max(tf.matMul(rows, tf.slice(all, count, known), false, true), 1));
    return [tf.relu(tf.matMul(rows, rows, false, true)), best];
  });
  const result = { within: await within.data(), covered: Float32Array.from(await covered.data()) };
  tf.dispose([within, covered]);
  return result;
}

/**
 * Ranks pictures by what a label of each would teach: the next one is always that which resembles most of the uncertain
 * pictures better than any that has, or is about to get, a label (greedy maximisation of the facility location function,
 * Wei et al. 2015, weighted by uncertainty). So pictures that look the same are not both among the first, and outliers that
 * resemble nothing come late. Of more than 5,000 pictures every n-th is considered.
 * @param count how many are wanted.
 * @returns their indices, the first to label first.
 */
export async function rankToLabel(pictures: Unlabelled, count: number): Promise<number[]> {
  const sample = sampleOf(pictures.features.length / pictures.length);
  if (sample.length === 0) return [];
  const { within, covered } = await similarities(pictures, sample);
  const size = sample.length;
  const weights = sample.map((row) => pictures.uncertainties[row] as number);
  const chosen: number[] = [];
  const isChosen = new Uint8Array(size);
  while (chosen.length < Math.min(count, size)) {
    const gains = new Float64Array(size);
    for (let row = 0; row < size; row++) {
      const [weight, already] = [weights[row] as number, covered[row] as number];
      for (let candidate = 0, at = row * size; candidate < size; candidate++, at++) {
        const gain = (within[at] as number) - already;
        if (gain > 0) gains[candidate] = (gains[candidate] as number) + weight * gain;
      }
    }
    const best = indexOfLargest(gains, isChosen);
    isChosen[best] = 1;
    chosen.push(sample[best] as number);
    for (let row = 0; row < size; row++)
      covered[row] = Math.max(covered[row] as number, within[best * size + row] as number);
  }
  return chosen;
}

function indexOfLargest(values: Float64Array, isLeftOut: Uint8Array): number {
  let best = -1;
  for (const [index, value] of values.entries())
    if (!isLeftOut[index] && (best < 0 || value > (values[best] as number))) best = index;
  return best;
}
