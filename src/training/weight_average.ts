import { tf } from '../tensors/tf.ts';
import { type TensorSource, tensorSource } from './tensor_source.ts';

/**
 * Exponential moving averages of a network's weights (Polyak averaging), which usually predict better than the weights
 * of any single step. After each step, average = d * average + (1 - d) * weight, with
 * d = min(decay, (1 + step) / (10 + step)), so that the random initial weights are soon forgotten (as in TensorFlow's
 * ExponentialMovingAverage).
 */
export class WeightAverage {
  readonly #variables: Map<string, tf.Variable>;
  readonly #averages: Map<string, tf.Variable>;
  readonly #decay: number;

  /** @param restored averages by variable name; where absent, an average starts from its variable. */
  constructor(
    variables: Map<string, tf.Variable>,
    decay: number,
    restored = new Map<string, Float32Array>(),
  ) {
    this.#variables = variables;
    this.#decay = decay;
    const start = ([name, variable]: [string, tf.Variable]): [string, tf.Variable] => {
      const values = restored.get(name) ?? variable.dataSync().slice();
      return [name, tf.tidy(() => tf.variable(tf.tensor(values, variable.shape), false))];
    };
    this.#averages = new Map([...variables].map(start));
  }

  /** @param step the step that has just updated the weights; 1 for the first. */
  update(step: number): void {
    const decay = Math.min(this.#decay, (1 + step) / (10 + step));
    for (const [name, average] of this.#averages) {
      const variable = this.#variables.get(name) as tf.Variable;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, decay), tf.mul(variable, 1 - decay))));
    }
  }

  /** Lets the averages of these variables start from their current values. */
  restart(names: Iterable<string>): void {
    for (const name of names) this.#averages.get(name)?.assign(this.#variables.get(name) as tf.Variable);
  }

  /** Puts the averages in place of the weights while `work` runs. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    const current = new Map([...this.#variables].map(([name, variable]) => [name, tf.clone(variable)]));
    this.#assign(this.#averages);
    try {
      return await work();
    } finally {
      this.#assign(current);
      tf.dispose([...current.values()]);
    }
  }

  #assign(values: Map<string, tf.Tensor>): void {
    for (const [name, variable] of this.#variables) variable.assign(values.get(name) as tf.Tensor);
  }

  /** The averages by variable name. */
  get averages(): ReadonlyMap<string, tf.Variable> {
    return this.#averages;
  }

  dispose(): void {
    for (const average of this.#averages.values()) average.dispose();
  }
}

/** Part of the checkpoint format. */
const currentSuffix = '/learnt';

/** The current weights, which a checkpoint keeps in optimizer.bin while weights.bin holds their averages. */
export function currentWeights(variables: Map<string, tf.Variable>): TensorSource[] {
  return [...variables].map(([name, variable]) => tensorSource(`${name}${currentSuffix}`, variable));
}

/** The weights to continue training from: those that {@link currentWeights} saved, or else those of weights.bin. */
export function weightsToTrain(
  weights: Map<string, Float32Array>,
  optimizer: Map<string, Float32Array>,
): Map<string, Float32Array> {
  return new Map(
    [...weights].map(([name, values]) => [name, optimizer.get(`${name}${currentSuffix}`) ?? values]),
  );
}
