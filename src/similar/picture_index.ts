import { largestOf } from '../transfer/nearest_rows.ts';

/** Directions of pictures' features around their mean, in bytes: a quarter of the memory, and cosines right to 0.002. */
export interface PictureIndex {
  /** Paths below the folder, of the pictures and of files that cannot be read. */
  paths: string[];
  /** float64 [paths, 2]: size in bytes and time of the last change, milliseconds since 1970. */
  stamps: Float64Array;
  /** Numbers per picture. */
  length: number;
  /** float32 [length]: the mean of all features. */
  mean: Float32Array;
  /** float32 [paths]: what a picture's bytes are multiplied by; 0 for a file that cannot be read. */
  scales: Float32Array;
  /** int8 [paths, length] */
  directions: Int8Array;
}

/** A picture that resembles the one in question. */
export interface Match {
  path: string;
  /** Of the angle between the features of the two around the mean of all, -1 to 1. */
  cosine: number;
}

/** @param rows of `features`, by file; -1 for those that cannot be read. */
export function makeIndex(
  { paths, stamps }: Pick<PictureIndex, 'paths' | 'stamps'>,
  { features, length, rows }: { features: Float32Array; length: number; rows: Int32Array },
): PictureIndex {
  const mean = meanOf(features, length);
  const scales = new Float32Array(paths.length);
  const directions = new Int8Array(paths.length * length);
  for (const [file, row] of rows.entries()) {
    if (row < 0) continue;
    const direction = directionOf(features.subarray(row * length, (row + 1) * length), mean);
    const largest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const rounded = direction.map((value) => Math.round((value / largest) * 127));
    directions.set(rounded, file * length);
    // Rounding changes the length a little.
    scales[file] = 1 / (normOf(rounded) || 1);
  }
  return { paths, stamps, length, mean, scales, directions };
}

function meanOf(features: Float32Array, length: number): Float32Array {
  const sums = new Float64Array(length);
  for (let at = 0; at < features.length; at++)
    sums[at % length] = (sums[at % length] as number) + (features[at] as number);
  const rows = Math.max(features.length / length, 1);
  return Float32Array.from(sums, (sum) => sum / rows);
}

function normOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** The direction of features from the mean, with the length 1; zeros where they are the mean. */
function directionOf(features: Float32Array, mean: Float32Array): Float32Array {
  const centred = features.map((value, j) => value - (mean[j] as number));
  const norm = normOf(centred) || 1;
  return centred.map((value) => value / norm);
}

/**
 * The pictures that resemble one most, the nearest first.
 * @param features float32 [length], of the picture in question.
 * @param isLeftOut whether a path is not an answer, such as the picture itself.
 */
export function nearestIn(
  { paths, length, mean, scales, directions }: PictureIndex,
  features: Float32Array,
  { count, isLeftOut }: { count: number; isLeftOut(path: string): boolean },
): Match[] {
  const direction = directionOf(features, mean);
  const cosines = new Float32Array(paths.length);
  for (let file = 0, at = 0; file < paths.length; file++) {
    let sum = 0;
    for (let j = 0; j < length; j++, at++) sum += (direction[j] as number) * (directions[at] as number);
    cosines[file] = sum * (scales[file] as number);
  }
  const nearest = largestOf(cosines, count, (file) => scales[file] === 0 || isLeftOut(paths[file] as string));
  return nearest.map(({ row, cosine }) => ({ path: paths[row] as string, cosine }));
}
