import { largestOf } from '../transfer/nearest_rows.ts';
import { type Listing, pathsOf } from './listing.ts';

/** Directions of pictures' features around their mean, in bytes: a quarter of the memory, and cosines right to 0.002. */
export interface PictureIndex extends Listing {
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
  { names, stamps }: Listing,
  { features, length, rows }: { features: Float32Array; length: number; rows: Int32Array },
): PictureIndex {
  const mean = meanOf(features, length);
  const scales = new Float32Array(rows.length);
  const directions = new Int8Array(rows.length * length);
  for (const [file, row] of rows.entries()) {
    if (row < 0) continue;
    const direction = directionOf(features.subarray(row * length, (row + 1) * length), mean);
    const largest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    const rounded = direction.map((value) => Math.round((value / largest) * 127));
    directions.set(rounded, file * length);
    // Rounding changes the length a little.
    scales[file] = 1 / (normOf(rounded) || 1);
  }
  return { names, stamps, length, mean, scales, directions };
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

/** The scalar product of a row with the bytes from `start` on. */
function dot(row: Float32Array, bytes: Int8Array, start: number): number {
  // Four sums, so that an addition need not wait for the one before it.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = row.length & ~3;
  for (let j = 0, at = start; j < whole; j += 4, at += 4) {
    a += (row[j] as number) * (bytes[at] as number);
    b += (row[j + 1] as number) * (bytes[at + 1] as number);
    c += (row[j + 2] as number) * (bytes[at + 2] as number);
    d += (row[j + 3] as number) * (bytes[at + 3] as number);
  }
  for (let j = whole; j < row.length; j++) a += (row[j] as number) * (bytes[start + j] as number);
  return a + b + c + d;
}

/**
 * The pictures that resemble one most, the nearest first.
 * @param features float32 [length], of the picture in question.
 * @param isLeftOut whether a path is not an answer, such as the picture itself.
 */
export function nearestIn(
  index: PictureIndex,
  features: Float32Array,
  { count, isLeftOut }: { count: number; isLeftOut(path: string): boolean },
): Match[] {
  const { length, mean, scales, directions } = index;
  const paths = pathsOf(index);
  const direction = directionOf(features, mean);
  const cosines = scales.map((scale, file) => scale * dot(direction, directions, file * length));
  const nearest = largestOf(cosines, count, (file) => scales[file] === 0 || isLeftOut(paths[file] as string));
  return nearest.map(({ row, cosine }) => ({ path: paths[row] as string, cosine }));
}
