import { type Checkpoint, findCheckpoint } from './find.ts';
import { loadTensors } from './load.ts';

/** How far a tensor of one checkpoint is from that of another. */
export interface TensorDifference {
  name: string;
  /** [before, after]; null where there is none of this name. */
  shapes: [number[] | null, number[] | null];
  /** Of their numbers; null where their shapes differ. */
  largest: number | null;
  /** |after - before| / |before|, Euclidean norms; null also where |before| is 0. */
  relative: number | null;
}

export interface CheckpointDifference {
  before: string;
  after: string;
  /** Of the manifests, by path: 'position.step': [10, 20]; undefined where one does not tell. */
  values: Record<string, [unknown, unknown]>;
  /** Of the weights, those that are the same included. */
  tensors: TensorDifference[];
  /** Whether what Adam remembers is the same, bit for bit. */
  sameOptimizer: boolean;
}

function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, member]) => leaves(member, path ? `${path}.${key}` : key));
}

function valuesOf({ manifest }: Checkpoint): Map<string, unknown> {
  const { format, version, checksum, files, ...told } = manifest;
  return new Map(leaves(told, ''));
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
 * In what two checkpoints, or the newest of two runs, differ.
 * @throws {UserError} where one of them is missing or damaged.
 */
export async function diffCheckpoints(before: string, after: string): Promise<CheckpointDifference> {
  const [a, b] = [await findCheckpoint(before, 'newest'), await findCheckpoint(after, 'newest')];
  const [old, young] = [await loadTensors(a, 'weights.bin'), await loadTensors(b, 'weights.bin')];
  const shapes = ({ manifest }: Checkpoint) =>
    new Map(manifest.files['weights.bin'].tensors.map(({ name, shape }) => [name, shape]));
  const [shapesOld, shapesYoung] = [shapes(a), shapes(b)];
  const tensors = [...new Set([...old.keys(), ...young.keys()])].map((name): TensorDifference => {
    const both: TensorDifference['shapes'] = [shapesOld.get(name) ?? null, shapesYoung.get(name) ?? null];
    const alike = both[0]?.join() === both[1]?.join();
    const [x, y] = [old.get(name), young.get(name)];
    return {
      name,
      shapes: both,
      ...(alike && x && y ? distance(x, y) : { largest: null, relative: null }),
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
