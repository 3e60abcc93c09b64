import { loadKernels, type SharedMemory } from './module.ts';

/** What logistic regression is fitted on. */
export interface LogisticRegressionProblem {
  /** [count, length] */
  features: Float32Array;
  length: number;
  classes: number;
  /** The class of each row, 0 to classes - 1: [count]. */
  labels: ArrayLike<number>;
  /** How much of each class a row shows, instead of its label: [count, classes], 0 or more. */
  softLabels?: ArrayLike<number> | undefined;
  /** Multiplies the cross-entropy of each row: [count], 0 or more; 1 where absent. */
  weights?: ArrayLike<number> | undefined;
}

/** Classes that are computed together; see assembly/evaluate.ts. */
export const tileClasses = 4;

/** Largest rank of the Gram matrix that a pivot still counts for, relative to the largest row. */
const rankTolerance = 1e-14;

/** Addresses of a problem in the shared memory, for the kernels. Plain data, which threads get as it is. */
export interface Design {
  classes: number;
  tiles: number;
  /** Columns of `features`: float64 [count, width], centred, divided by `scale`. */
  width: number;
  features: number;
  /** How many leading entries of each row may differ from zero: int32 [count]. */
  lengths: number;
  labels: number;
  weights: number;
  /** float64 [count, tiles, 4], or 0. */
  soft: number;
  /** `features` as float32, or 0. */
  single: number;
}

/** A problem laid out in memory. */
export interface Layout {
  design: Design;
  count: number;
  length: number;
  /** Subtracted from the features: float64 [length]. */
  mean: Float64Array;
  /** Then divides them: the root of the rows' mean squared length. */
  scale: number;
}

/** How far classes without weight are below the lowest bias of others, in nats. */
const absentBelow = 100;

/** Logit that makes a probability exactly zero in float64. */
const never = -1e4;

/** The row of the first feature that is not a finite number; undefined where all are. */
export function firstNotFinite(features: Float32Array, length: number): number | undefined {
  for (let i = 0; i < features.length; i++)
    if (!Number.isFinite(features[i] as number)) return Math.floor(i / length);
  return undefined;
}

/** @throws {RangeError} where the parts of a problem do not fit each other, or a number is not usable. */
export function checkProblem(problem: LogisticRegressionProblem): void {
  const { features, length, classes, labels, softLabels, weights } = problem;
  const refuse = (text: string): never => {
    throw new RangeError(text);
  };
  const count = labels.length;
  if (count === 0) refuse('there are no rows to fit.');
  if (features.length !== count * length)
    refuse(`features must have ${count} x ${length} numbers; received ${features.length}.`);
  const row = firstNotFinite(features, length);
  if (row !== undefined) refuse(`features of row ${row} are not finite numbers.`);
  for (let i = 0; i < count; i++) {
    const label = labels[i] as number;
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      refuse(`labels must be whole numbers from 0 to ${classes - 1}; received ${label} for row ${i}.`);
  }
  const check = (name: string, values: ArrayLike<number> | undefined, size: number, min: number) => {
    if (values === undefined) return;
    if (values.length !== size) refuse(`${name} must have ${size} numbers; received ${values.length}.`);
    for (let i = 0; i < size; i++)
      if (!Number.isFinite(values[i]) || (values[i] as number) < min)
        refuse(`${name} must be finite numbers of at least ${min}; received ${values[i]}.`);
  };
  check('softLabels', softLabels, count * classes, 0);
  check('weights', weights, count, 0);
}

function meansOf(features: Float32Array, length: number): Float64Array {
  const count = features.length / length;
  const mean = new Float64Array(length);
  for (let row = 0, at = 0; row < count; row++)
    for (let j = 0; j < length; j++, at++) mean[j] = (mean[j] as number) + (features[at] as number);
  return mean.map((sum) => sum / count);
}

/** Writes centred features to memory, and divides them so that their rows have a mean squared length of 1. */
function writeFeatures(
  memory: SharedMemory,
  { features, length }: LogisticRegressionProblem,
  width: number,
): Pick<Layout, 'mean' | 'scale'> & { address: number } {
  const count = features.length / length;
  const mean = meansOf(features, length);
  // The Gram matrix is computed for four rows at a time.
  const rows = Math.ceil(count / 4) * 4;
  const address = memory.allocate(8 * rows * width);
  const to = memory.doubles(address, count * width);
  let squares = 0;
  for (let row = 0, at = 0; row < count; row++)
    for (let j = 0; j < length; j++, at++) {
      const value = (features[at] as number) - (mean[j] as number);
      to[row * width + j] = value;
      squares += value * value;
    }
  const scale = squares > 0 ? Math.sqrt(squares / count) : 1;
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) / scale;
  return { address, mean, scale };
}

/** Lays a problem out in memory. @throws {UserError} where it does not fit. */
export function layOut(memory: SharedMemory, problem: LogisticRegressionProblem): Layout {
  const { length, classes, labels, softLabels, weights } = problem;
  const count = labels.length;
  const tiles = Math.ceil(classes / tileClasses);
  const width = Math.ceil(length / 2) * 2;
  const { address: features, mean, scale } = writeFeatures(memory, problem, width);
  const lengths = memory.allocate(4 * count);
  memory.integers(lengths, count).fill(width);
  const labelsAt = memory.allocate(4 * count);
  memory.integers(labelsAt, count).set(labels);
  const weightsAt = memory.allocate(8 * count);
  if (weights) memory.doubles(weightsAt, count).set(weights);
  else memory.doubles(weightsAt, count).fill(1);
  const soft = softLabels ? writeSoftLabels(memory, softLabels, count, classes) : 0;
  const design = {
    classes,
    tiles,
    width,
    features,
    lengths,
    labels: labelsAt,
    weights: weightsAt,
    soft,
    single: 0,
  };
  return { design, count, length, mean, scale };
}

function writeSoftLabels(
  memory: SharedMemory,
  soft: ArrayLike<number>,
  count: number,
  classes: number,
): number {
  const padded = Math.ceil(classes / tileClasses) * tileClasses;
  const address = memory.allocate(8 * count * padded);
  const to = memory.doubles(address, count * padded);
  for (let row = 0; row < count; row++)
    for (let k = 0; k < classes; k++) to[row * padded + k] = soft[row * classes + k] as number;
  return address;
}

/** The design with a copy of its features in float32, for fits that need not be exact. */
export function withSingles(memory: SharedMemory, design: Design, count: number): Design {
  const size = count * design.width;
  const single = memory.allocate(4 * size);
  memory.singles(single, size).set(memory.doubles(design.features, size));
  return { ...design, single };
}

/** A design with fewer columns, whose rows have the same scalar products. */
export interface Reduced {
  design: Design;
  /** The row of each column, where its own last entry is. */
  pivots: Int32Array;
}

/**
 * Rotates features into the basis of their Gram matrix's pivoted Cholesky factor: as many columns as the rank, and a
 * triangle of zeros. What is penalised stays the same, and the optimum is a rotation of the other one.
 */
export function reduce(memory: SharedMemory, { design, count }: Layout): Reduced {
  const { gram, cholesky } = loadKernels(memory.memory);
  const stride = Math.ceil(count / 4) * 4;
  const width = Math.min(count, design.width);
  const kernel = memory.allocate(8 * stride * stride);
  const factor = memory.allocate(8 * count * width);
  const diagonal = memory.allocate(8 * count);
  const pivots = memory.allocate(4 * count);
  const lengths = memory.allocate(4 * count);
  gram(design.features, stride, design.width, kernel);
  let highest = 0;
  for (let row = 0; row < count; row++)
    highest = Math.max(highest, memory.doubles(kernel + 8 * row * stride, stride)[row] as number);
  const tolerance = rankTolerance * count * highest;
  const rank = cholesky(kernel, stride, count, factor, width, diagonal, pivots, lengths, tolerance);
  return {
    design: { ...design, width, features: factor, lengths },
    pivots: memory.integers(pivots, rank).slice(),
  };
}

/** Numbers in a vector of parameters: coefficients by tile, then biases. */
export function parametersOf({ width, tiles }: Design): number {
  return (width + 1) * tiles * tileClasses;
}

/** Where a class's coefficient of a column is in a vector of parameters; its bias is that of the column `width`'s tile. */
function indexOf({ width, tiles }: Design, column: number, label: number): number {
  const [tile, lane] = [Math.floor(label / tileClasses), label % tileClasses];
  if (column === width) return tiles * width * tileClasses + label;
  return (tile * width + column) * tileClasses + lane;
}

/**
 * No features count, and biases are the logarithms of the classes' shares.
 * @param shares weight of each class, [classes].
 */
export function startOf(design: Design, shares: ArrayLike<number>): Float64Array {
  const start = new Float64Array(parametersOf(design));
  for (let k = 0; k < design.classes; k++) {
    const share = shares[k] as number;
    start[indexOf(design, design.width, k)] = share > 0 ? Math.log(share) : never;
  }
  return start;
}

/** Parameters of the reduced design as parameters of the full one, with the same logits. */
export function unreduce(
  memory: SharedMemory,
  { design: full }: Layout,
  { design, pivots }: Reduced,
  parameters: Float64Array,
): Float64Array {
  const { classes, width } = design;
  const rank = pivots.length;
  const pivotRow = (column: number) =>
    memory.doubles(design.features + 8 * (pivots[column] as number) * width, width);
  const result = new Float64Array(parametersOf(full));
  // X_p^T A with L_p^T A = W, where X_p and L_p are the rows of the pivots.
  const a = new Float64Array(rank * classes);
  for (let column = rank - 1; column >= 0; column--) {
    const row = pivotRow(column);
    for (let k = 0; k < classes; k++) {
      const value = (parameters[indexOf(design, column, k)] as number) + (a[column * classes + k] as number);
      a[column * classes + k] = value / (row[column] as number);
    }
    for (let j = 0; j < column; j++)
      for (let k = 0; k < classes; k++)
        a[j * classes + k] =
          (a[j * classes + k] as number) - (row[j] as number) * (a[column * classes + k] as number);
  }
  for (let column = 0; column < rank; column++) {
    const row = memory.doubles(full.features + 8 * (pivots[column] as number) * full.width, full.width);
    for (let k = 0; k < classes; k++) {
      const factor = a[column * classes + k] as number;
      for (let j = 0; j < full.width; j++) {
        const at = indexOf(full, j, k);
        result[at] = (result[at] as number) + factor * (row[j] as number);
      }
    }
  }
  for (let k = 0; k < classes; k++)
    result[indexOf(full, full.width, k)] = parameters[indexOf(design, width, k)] as number;
  return result;
}

/** Coefficients and biases for the features as they were given. */
export function unscale(
  { design, length, mean, scale }: Layout,
  parameters: Float64Array,
  isPresent: (label: number) => boolean,
): { coefficients: Float64Array; biases: Float64Array } {
  const { classes, width } = design;
  const coefficients = new Float64Array(length * classes);
  const biases = Float64Array.from(
    { length: classes },
    (_, k) => parameters[indexOf(design, width, k)] as number,
  );
  for (let j = 0; j < length; j++)
    for (let k = 0; k < classes; k++) {
      const value = (parameters[indexOf(design, j, k)] as number) / scale;
      coefficients[j * classes + k] = value;
      biases[k] = (biases[k] as number) - value * (mean[j] as number);
    }
  settleBiases(biases, isPresent);
  return { coefficients, biases };
}

/** Biases are free up to a common constant: makes their sum 0, without the classes that have no weight. */
function settleBiases(biases: Float64Array, isPresent: (label: number) => boolean): void {
  const present = biases.filter((_, k) => isPresent(k));
  const mean = present.reduce((sum, bias) => sum + bias, 0) / present.length;
  const lowest = present.reduce((low, bias) => Math.min(low, bias), Number.POSITIVE_INFINITY);
  for (let k = 0; k < biases.length; k++)
    biases[k] = (isPresent(k) ? (biases[k] as number) : lowest - absentBelow) - mean;
}
