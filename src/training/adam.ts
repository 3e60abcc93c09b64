import { applyAdamToAll } from '../engine/kernels/adam/operation.ts';
import { tf } from '../tensors/tf.ts';
import { type TensorSource, tensorSources } from './tensor_source.ts';

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * Weights of convolutions and fully connected layers decay; biases, and the scale and offset of batch normalisation, do
 * not.
 */
function decays(name: string): boolean {
  return name.endsWith('/weights');
}

export interface AdamOptions {
  /** Default 0. */
  weightDecay?: number;
  /** Factors of the learning rate by variable name. */
  learningRates?: ReadonlyMap<string, number>;
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1, in the order of computation that section 2 gives at its end), with the
 * decoupled weight decay of AdamW (Loshchilov and Hutter 2019): before its update a weight becomes
 * weight * (1 - learningRate * weightDecay).
 */
export class Adam {
  readonly #variables: Map<string, tf.Variable>;
  readonly #moments = new Map<string, { m: tf.Variable; v: tf.Variable }>();
  readonly #weightDecay: number;
  readonly #learningRates: ReadonlyMap<string, number>;

  /**
   * @param variables by name; only those named '<layer>/weights' decay.
   * @param restored moments by '<variable>/m' and '<variable>/v'; zero where absent.
   * @param options `learningRates`: factors of the learning rate by variable name, 1 where absent, as for layers near the
   * pictures that should change less (discriminative learning rates, Howard and Ruder 2018).
   */
  constructor(
    variables: Map<string, tf.Variable>,
    restored = new Map<string, Float32Array>(),
    { weightDecay = 0, learningRates = new Map() }: AdamOptions = {},
  ) {
    this.#variables = variables;
    this.#weightDecay = weightDecay;
    this.#learningRates = learningRates;
    const moment = (name: string, shape: number[]) => {
      const values = restored.get(name);
      return tf.tidy(() => tf.variable(values ? tf.tensor(values, shape) : tf.zeros(shape)));
    };
    for (const [name, { shape }] of variables) {
      this.#moments.set(name, { m: moment(`${name}/m`, shape), v: moment(`${name}/v`, shape) });
    }
  }

  /**
   * Updates every variable once.
   * @param gradients by the tfjs names of the variables.
   * @param step 1 for the first.
   */
  apply(gradients: tf.NamedTensorMap, step: number, learningRate: number): void {
    const updates = [...this.#variables].map(([name, variable]) => {
      const { m, v } = this.#moments.get(name) as { m: tf.Variable; v: tf.Variable };
      const gradient = gradients[variable.name] as tf.Tensor;
      const rate = learningRate * (this.#learningRates.get(name) ?? 1);
      const stepSize = (rate * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step);
      if (this.#weightDecay > 0 && decays(name))
        tf.tidy(() => variable.assign(tf.mul(variable, 1 - rate * this.#weightDecay)));
      return { variable, m, v, gradient, stepSize };
    });
    applyAdamToAll(updates, { beta1, beta2, epsilon });
  }

  /** The moments by '<variable>/m' and '<variable>/v'. */
  get moments(): Map<string, tf.Variable> {
    return new Map(
      [...this.#moments].flatMap(([name, { m, v }]): [string, tf.Variable][] => [
        [`${name}/m`, m],
        [`${name}/v`, v],
      ]),
    );
  }

  /** The moments as a checkpoint saves them. */
  snapshot(): TensorSource[] {
    return tensorSources(this.moments);
  }

  dispose(): void {
    for (const { m, v } of this.#moments.values()) {
      m.dispose();
      v.dispose();
    }
  }
}
