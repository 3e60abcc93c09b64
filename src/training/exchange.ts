import * as tf from '@tensorflow/tfjs-core';
import { allgatherCompressed, type CompressedAllreduce, compressedAllreduce } from '../cluster/compressed.ts';
import { type HalfPrecision, halfPrecisions } from '../cluster/half_precision.ts';
import { memory, type World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import type { LayerWatch, TrainingPass } from '../layers/index.ts';
import type { Model } from '../models/model.ts';
import type { BatchResult } from './step.ts';

/**
 * Data-parallel training: the gradients of all ranks are averaged. Most are averaged by all-reduces, several gradients
 * to one, that start as soon as the backward pass has computed them. The gradient of a fully connected layer's weights
 * is the product of two thin matrices, the layer's input and the gradient of its output. Where these are smaller than
 * the product, they are gathered from all ranks and multiplied on each (sufficient factor broadcasting, Xie et al.
 * 2016).
 */

/** Values per all-reduce: enough that the bandwidth of the network matters, not its latency. */
const bucketLength = 1 << 20;
/** A fully connected layer whose factors are gathered. */
interface FactoredLayer {
  weights: tf.Variable;
  /** Name of the layer that it reads. */
  input: string;
}

/**
 * The layers whose factors, with this many rows, have fewer values than their weights. An all-reduce transfers each
 * value twice, but gathered factors must be multiplied as well: `npm run bench -- cluster` measures both.
 */
function factoredLayers(model: Model, rows: number): Map<string, FactoredLayer> {
  const layers = model.layers.filter(({ kind, inputs: [input], inputShape, outputShape }) => {
    const [inputs = 0] = inputShape;
    const [outputs = 0] = outputShape;
    return kind === 'fullyConnected' && input !== undefined && rows * (inputs + outputs) < inputs * outputs;
  });
  return new Map(
    layers.map(({ name, inputs }) => [
      name,
      { weights: model.variables.get(`${name}/weights`) as tf.Variable, input: inputs[0] as string },
    ]),
  );
}

/** The same tensor; the backward pass calls `onGradient` with its gradient. */
function watchGradient<T extends tf.Tensor>(tensor: T, onGradient: (gradient: tf.Tensor) => void): T {
  const same = tf.customGrad((x) => ({
    value: tf.clone(x as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => {
      onGradient(dy);
      return dy;
    },
  }));
  return same(tensor) as T;
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

  begin(): SharedPass {
    return new SharedPass(this);
  }
}

interface Gradient {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** The exchange of one step. */
export class SharedPass {
  readonly #exchange: GradientExchange;
  /** Inputs of factored layers, kept until the backward pass reaches them. */
  readonly #inputs = new Map<string, tf.Tensor>();
  /** Gradients collected for the next all-reduce. */
  #bucket: Gradient[] = [];
  #buckets = 0;
  /** Each waits for one transfer and returns the gradients, by name, that it completes. */
  readonly #pending: (() => Promise<[string, tf.Tensor][]>)[] = [];

  constructor(exchange: GradientExchange) {
    this.#exchange = exchange;
  }

  learning(step: number): TrainingPass {
    const { firstRow, factoredWeights } = this.#exchange;
    const variable = (_: string, variable: tf.Variable) =>
      factoredWeights.has(variable)
        ? variable
        : watchGradient<tf.Tensor>(variable, (gradient) => this.#add(variable.name, gradient));
    return { step, firstRow, variable };
  }

  /** Observes the layers of the forward pass. */
  readonly layer: LayerWatch = (name, output) => {
    const { factored } = this.#exchange;
    if ([...factored.values()].some(({ input }) => input === name))
      this.#inputs.set(name, tf.keep(tf.clone(output)));
    const layer = factored.get(name);
    return layer && watchGradient(output, (gradient) => this.#gather(layer, gradient));
  };

  #add(name: string, gradient: tf.Tensor): void {
    const { shape } = gradient;
    this.#bucket.push({ name, shape, values: gradient.dataSync() as Float32Array });
    const length = this.#bucket.reduce((sum, { values }) => sum + values.length, 0);
    if (length >= bucketLength) this.#reduce(length);
    this.#exchange.world.progress();
  }

  #reduce(length: number): void {
    const { world } = this.#exchange;
    const use = `bucket ${this.#buckets++}`;
    const sum = this.#exchange.memoryFor(use, length);
    const parts: Gradient[] = [];
    let offset = 0;
    for (const { values, ...gradient } of this.#bucket) {
      sum.set(values, offset);
      parts.push({ ...gradient, values: sum.subarray(offset, offset + values.length) });
      offset += values.length;
    }
    this.#bucket = [];
    const reduced = this.#exchange.reduce(use, sum);
    this.#pending.push(async () => {
      await reduced();
      for (let i = 0; i < length; i++) sum[i] = (sum[i] as number) / world.size;
      return parts.map(({ name, shape, values }) => [name, tf.tensor(values, shape)]);
    });
  }

  #gather({ weights, input }: FactoredLayer, dy: tf.Tensor): void {
    const { world } = this.#exchange;
    const x = this.#inputs.get(input) as tf.Tensor;
    const inputs = this.#gatherRows(`${weights.name}/x`, x, 1);
    const gradients = this.#gatherRows(`${weights.name}/dy`, dy, 1 / world.size);
    this.#pending.push(async () => {
      const [all, dyOfAll] = [await inputs(), await gradients()];
      const product = tf.matMul(all, dyOfAll, true);
      tf.dispose([all, dyOfAll]);
      return [[weights.name, product]];
    });
    world.progress();
  }

  /** [rows, columns] of each rank -> factor * [ranks * rows, columns], on all. */
  #gatherRows(use: string, rows: tf.Tensor, factor: number): () => Promise<tf.Tensor2D> {
    const { world, compression } = this.#exchange;
    const [count, columns] = rows.shape as [number, number];
    const mine = this.#exchange.memoryFor(`${use}/mine`, rows.size);
    mine.set(rows.dataSync());
    if (factor !== 1) for (let i = 0; i < mine.length; i++) mine[i] = (mine[i] as number) * factor;
    const all = this.#exchange.memoryFor(use, rows.size * world.size);
    const gathered = afterwards(
      compression ? allgatherCompressed(world, mine, all, compression) : world.allgather(mine, all),
    );
    return async () => {
      await gathered();
      return tf.tensor2d(all, [count * world.size, columns]);
    };
  }

  /**
   * Waits for all transfers, and averages the state of the layers.
   * @param result over this rank's rows.
   * @returns the result over all rows, and the mean gradients by the tfjs names of the variables, which the caller
   * disposes of.
   */
  async finish(
    result: BatchResult,
    stop: boolean,
  ): Promise<{ result: BatchResult; gradients: tf.NamedTensorMap }> {
    tf.dispose([...this.#inputs.values()]);
    const rest = this.#bucket.reduce((sum, { values }) => sum + values.length, 0);
    if (rest > 0) this.#reduce(rest);
    const { world, state } = this.#exchange;
    const stateValues = state.flatMap((variable) => [...variable.dataSync()]);
    const summed = this.#exchange.sum([result.loss, result.correct, ...stateValues], stop);
    summed.catch(() => {}); // awaited below
    const gradients: tf.NamedTensorMap = {};
    for (const finish of this.#pending) Object.assign(gradients, Object.fromEntries(await finish()));
    const [loss = 0, correct = 0, ...stateSums] = await summed;
    this.#setState(stateSums);
    return { result: { loss: loss / world.size, correct }, gradients };
  }

  #setState(sums: number[]): void {
    const { world, state } = this.#exchange;
    let offset = 0;
    for (const variable of state) {
      const values = sums.slice(offset, offset + variable.size).map((sum) => sum / world.size);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      offset += variable.size;
    }
  }
}

/** Throws a failure to whoever waits for it, instead of as an unhandled rejection. */
function afterwards(promise: Promise<void>): () => Promise<void> {
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
