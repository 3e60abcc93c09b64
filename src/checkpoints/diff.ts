import { findCheckpoint } from './find.ts';
import { loadTensors } from './load.ts';
import type { Checkpoint } from './scan.ts';

/** How much a tensor differs between two checkpoints. */
export interface TensorDifference {
  name: string;
  /** [before, after]; null where that checkpoint has no tensor of this name. */
  shapes: [number[] | null, number[] | null];
  /** Largest absolute difference of their values; null where the shapes differ. */
  largest: number | null;
  /** |after - before| / |before|, Euclidean norms; also null where |before| is 0. */
  relative: number | null;
}

/** What {@link diffCheckpoints} returns. */
export interface CheckpointDifference {
  /** The folders of the two checkpoints. */
  before: string;
  after: string;
  /** Values of the manifests that differ, by path, e.g. 'position.step': [10, 20]; undefined where one is missing. */
  values: Record<string, [unknown, unknown]>;
  /** All weights, including equal ones. */
  tensors: TensorDifference[];
  /** Whether the optimizer's tensors are equal, bit for bit. */
  sameOptimizer: boolean;
}

function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, member]) => leaves(member, path ? `${path}.${key}` : key));
}

function valuesOf({ manifest }: Checkpoint): Map<string, unknown> {
  const { format, version, checksum, files, ...info } = manifest;
  return new Map(leaves(info, ''));
}

function differingValues(before: Checkpoint, after: Checkpoint): CheckpointDifference['values'] {
  const [a, b] = [valuesOf(before), valuesOf(after)];
  const differing = [...new Set([...a.keys(), ...b.keys()])]
    .filter((path) => JSON.stringify(a.get(path)) !== JSON.stringify(b.get(path)))
    .map((path): [string, [unknown, unknown]] => [path, [a.get(path), b.get(path)]]);
  return Object.fromEntries(differing);
}

function distance(before: Float32Array, after: Float32Array): Pick<TensorDifference, 'largest' | 'relative'> {
  let [largest, squares, squaresBefore] = [0, 0, 0];
  for (let i = 0; i < before.length; i++) {
    const old = before[i] as number;
    const change = Math.abs((after[i] as number) - old);
    largest = Math.max(largest, change);
    squares += change * change;
    squaresBefore += old * old;
  }
  return { largest, relative: squaresBefore === 0 ? null : Math.sqrt(squares / squaresBefore) };
}

/**
 * Compares two checkpoints.
 * @param before a checkpoint, or a run or a checkpoints folder, whose newest checkpoint is taken.
 * @param after the same.
 * @throws {UserError} where one of them is missing or damaged.
 * @example
 * ```ts
 * import { diffCheckpoints, surveyCheckpoints } from 'bat-sup';
 *
 * const checkpoints = await surveyCheckpoints('checkpoints');
 * const oldest = checkpoints[0]?.folder ?? '';
 * const newest = checkpoints.at(-1)?.folder ?? '';
 * const { values, tensors } = await diffCheckpoints(oldest, newest);
 * console.log(values['position.step']);
 * for (const { name, relative } of tensors) console.log(name, relative);
 * ```
 */
export async function diffCheckpoints(before: string, after: string): Promise<CheckpointDifference> {
  const [a, b] = [await findCheckpoint(before, 'newest'), await findCheckpoint(after, 'newest')];
  const [weightsA, weightsB] = [await loadTensors(a, 'weights.bin'), await loadTensors(b, 'weights.bin')];
  const shapes = ({ manifest }: Checkpoint) =>
    new Map(manifest.files['weights.bin'].tensors.map(({ name, shape }) => [name, shape]));
  const [shapesA, shapesB] = [shapes(a), shapes(b)];
  const tensors = [...new Set([...weightsA.keys(), ...weightsB.keys()])].map((name): TensorDifference => {
    const both: TensorDifference['shapes'] = [shapesA.get(name) ?? null, shapesB.get(name) ?? null];
    const isSameShape = both[0]?.join() === both[1]?.join();
    const [x, y] = [weightsA.get(name), weightsB.get(name)];
    return {
      name,
      shapes: both,
      ...(isSameShape && x && y ? distance(x, y) : { largest: null, relative: null }),
    };
  });
  const optimizer = ({ manifest }: Checkpoint) => manifest.files['optimizer.bin'].sha256;
  return {
    before: a.folder,
    after: b.folder,
    values: differingValues(a, b),
    tensors,
    sameOptimizer: optimizer(a) === optimizer(b),
  };
}
