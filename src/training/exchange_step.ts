import { allgatherCompressed } from '../cluster/compressed.ts';
import type { TrainingPass } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';
import { afterwards, type FactoredLayer, type GradientExchange } from './exchange.ts';
import type { BatchResult } from './step.ts';

/** Values per all-reduce: enough that the bandwidth of the network matters, not its latency. */
const bucketLength = 1 << 20;

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

interface Gradient {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** The exchange of one training step. */
export class ExchangeStep {
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

  /** What makes the forward pass report the gradients of variables, and of the outputs of factored layers. */
  trainingPass(step: number): TrainingPass {
    const { firstRow, factored, factoredWeights } = this.#exchange;
    const inputs = new Set([...factored.values()].map(({ input }) => input));
    return {
      step,
      firstRow,
      variable: (_, variable) =>
        factoredWeights.has(variable)
          ? variable
          : watchGradient<tf.Tensor>(variable, (gradient) => this.#add(variable.name, gradient)),
      output: (name, output) => {
        if (inputs.has(name)) this.#inputs.set(name, tf.keep(tf.clone(output)));
        const layer = factored.get(name);
        return layer && watchGradient(output, (gradient) => this.#gather(layer, gradient));
      },
    };
  }

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
