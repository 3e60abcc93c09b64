import { argmax } from '../evaluation/softmax.ts';
import { crossValidate } from '../transfer/cross_validation.ts';
import { nearestRows } from '../transfer/nearest_rows.ts';

/** Pictures with the labels that are in doubt. */
export interface LabelledFeatures {
  /** float32 [pictures, length] */
  features: Float32Array;
  length: number;
  /** [pictures], the class index. */
  labels: number[];
  /** [pictures]: equal for pictures that look the same; none of them speaks for another. */
  groups: number[];
  classes: number;
}

/** What the other pictures say about one picture's label. */
export interface Suspicion {
  /** Index of the picture. */
  picture: number;
  /** Probability of its own class, 0 to 1, from pictures without its group. */
  probability: number;
  /** The likeliest class, and its probability. */
  likeliest: { label: number; probability: number };
  /** Indices of the pictures that resemble it most, the nearest first. */
  nearest: number[];
}

/** Neighbours that vote, and those that are shown. */
const votingNeighbours = 10;
const shownNeighbours = 3;
/** A neighbour's vote falls by a factor of e with each tenth of cosine. */
const sharpness = 10;
/** What each class has before neighbours vote: a class without any is unlikely, not impossible. */
const pseudoVote = 0.01;

/** Shares of the nearest pictures' labels, float64 [classes], with the sum 1. */
function votes(
  neighbours: { row: number; cosine: number }[],
  { labels, classes }: LabelledFeatures,
): Float64Array {
  const shares = new Float64Array(classes).fill(pseudoVote);
  for (const { row, cosine } of neighbours) {
    const label = labels[row] as number;
    shares[label] = (shares[label] as number) + Math.exp(sharpness * (cosine - 1));
  }
  return normalised(shares);
}

function normalised(values: Float64Array): Float64Array {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/**
 * How likely each picture's label is, by all others: the product of the probabilities of a linear classifier that was fitted
 * without it (as in confident learning, Northcutt et al. 2021, arXiv:1911.00068) and of the labels of its nearest
 * neighbours. The classifier sees what whole classes have in common, neighbours what single pictures do; together they find
 * more wrong labels than either alone (`npm run bench -- labels`).
 * @returns one for each picture whose class has others to compare with, the least likely label first.
 */
export async function suspicionsOf(
  data: LabelledFeatures,
  { seed, threads }: { seed: number; threads: number },
): Promise<Suspicion[]> {
  const { labels, groups, classes } = data;
  const { probabilities, folds } = await crossValidate(data, { seed, threads });
  const neighbours = await nearestRows(data, { count: votingNeighbours, groups });
  const found = [...labels.keys()].flatMap((picture): Suspicion[] => {
    if (folds[picture] === -1) return [];
    const around = neighbours[picture] as { row: number; cosine: number }[];
    const byNeighbours = votes(around, data);
    const fitted = probabilities.subarray(picture * classes, (picture + 1) * classes);
    const both = normalised(
      fitted.map((probability, label) => probability * (byNeighbours[label] as number)),
    );
    const label = argmax(both);
    return [
      {
        picture,
        probability: both[labels[picture] as number] as number,
        likeliest: { label, probability: both[label] as number },
        nearest: around.slice(0, shownNeighbours).map(({ row }) => row),
      },
    ];
  });
  return found.sort((a, b) => a.probability - b.probability || a.picture - b.picture);
}
