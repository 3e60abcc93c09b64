import { type CompressedAllreduce, compressedAllreduce } from '../cluster/compressed.ts';
import { type HalfPrecision, halfPrecisions } from '../cluster/half_precision.ts';
import { memory, type World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import type { Model } from '../models/model.ts';
import { tf } from '../tensors/tf.ts';

/**
 * Data-parallel training: the gradients of all ranks are averaged. Most are averaged by all-reduces, several gradients
 * to one, that start as soon as the backward pass has computed them. The gradient of a fully connected layer's weights
 * is the product of two thin matrices, the layer's input and the gradient of its output. Where these are smaller than
 * the product, they are gathered from all ranks and multiplied on each (sufficient factor broadcasting, Xie et al.
 * 2016).
 */

/** A fully connected layer whose factors are gathered. */
export interface FactoredLayer {
  weights: tf.Variable;
  /** Name of the layer that it reads. */
  input: string;
}

/**
 * The learning layers whose factors, with this many rows, have fewer values than their weights. An all-reduce transfers each
 * value twice, but gathered factors must be multiplied as well: `npm run bench -- cluster` measures both.
 */
function factoredLayers(model: Model, rows: number): Map<string, FactoredLayer> {
  const layers = model.layers.filter(({ name, kind, inputs: [input], inputShape, outputShape }) => {
    if (kind !== 'fullyConnected' || !model.variables.has(`${name}/weights`)) return false;
    const [inputs = 0] = inputShape;
    const [outputs = 0] = outputShape;
    return input !== undefined && rows * (inputs + outputs) < inputs * outputs;
  });
  return new Map(
    layers.map(({ name, inputs }) => [
      name,
      { weights: model.variables.get(`${name}/weights`) as tf.Variable, input: inputs[0] as string },
    ]),
  );
}

export interface ExchangeOptions {
  world: World;
  model: Model;
  settings: Pick<Settings, 'batchSize' | 'gradientCompression'>;
}

/** What the ranks exchange in each step. It is made once, before the first. */
export class GradientExchange {
  readonly world: World;
  readonly compression: HalfPrecision | undefined;
  readonly factored: ReadonlyMap<string, FactoredLayer>;
  /** State that no gradient changes, e.g. the moving averages of batch normalisation; averaged as gradients are. */
  readonly state: tf.Variable[];
  /** Weights of factored layers, whose gradients no rank computes alone. */
  readonly factoredWeights: ReadonlySet<tf.Variable>;
  /** All other trainable variables. */
  readonly variables: tf.Variable[];
  readonly #batchSize: number;
  #stopped = false;
  /** By use and length, reused in every step. */
  readonly #memory = new Map<string, Float32Array>();
  readonly #compressed = new Map<string, CompressedAllreduce>();

  constructor({ world, model, settings }: ExchangeOptions) {
    const { batchSize, gradientCompression } = settings;
    this.world = world;
    this.#batchSize = batchSize;
    this.compression = gradientCompression === 'off' ? undefined : halfPrecisions[gradientCompression];
    this.factored = factoredLayers(model, batchSize * world.size);
    this.state = [...model.state.values()];
    this.factoredWeights = new Set([...this.factored.values()].map(({ weights }) => weights));
    this.variables = [...model.variables.values()].filter((variable) => !this.factoredWeights.has(variable));
  }

  /** Whether any rank was asked to stop, as of the last exchange: the same on all ranks. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Index of this rank's first row in the batch of all ranks. */
  get firstRow(): number {
    return this.world.rank * this.#batchSize;
  }

  /** Sums the values of all ranks. @param stop whether this rank was asked to stop; see {@link stopped}. */
  async sum(own: ArrayLike<number>, stop: boolean): Promise<Float64Array> {
    const values = memory(Float64Array, own.length + 1);
    values.set(own);
    values[own.length] = Number(stop);
    await this.world.allreduce(values);
    this.#stopped = (values[own.length] as number) > 0;
    return values.subarray(0, own.length);
  }

  /** MPI memory for one use per step. */
  memoryFor(use: string, length: number): Float32Array {
    const key = `${use}/${length}`;
    const known = this.#memory.get(key) ?? memory(Float32Array, length);
    this.#memory.set(key, known);
    return known;
  }

  /** Starts to sum the values of all ranks, in place; in the same order on all. @returns what waits for it. */
  reduce(use: string, values: Float32Array): () => Promise<void> {
    if (!this.compression) return afterwards(this.world.allreduce(values));
    const key = `${use}/${values.length}`;
    const known =
      this.#compressed.get(key) ?? compressedAllreduce(this.world, values.length, this.compression);
    this.#compressed.set(key, known);
    return known.start(values);
  }
}

/** Throws a failure to whoever waits for it, instead of as an unhandled rejection. */
export function afterwards(promise: Promise<void>): () => Promise<void> {
  promise.catch(() => {});
  return () => promise;
}

/** Copies the values of rank 0 to the same variables of all other ranks. */
export async function broadcastVariables(
  world: World,
  variables: ReadonlyMap<string, tf.Variable>,
): Promise<void> {
  for (const variable of variables.values()) {
    const values = memory(Float32Array, variable.size);
    values.set(variable.dataSync());
    await world.broadcast(values);
    if (world.rank > 0) tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}
