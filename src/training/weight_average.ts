import * as tf from '@tensorflow/tfjs-core';
import { type TensorSource, tensorSource } from './checkpoint_saver.ts';

/**
 * Exponential moving averages of a network's weights (Polyak averaging), which answer better than the weights of any
 * one step: average = d * average + (1 - d) * weight after each step, with d = min(decay, (1 + step) / (10 + step)),
 * so that the random beginning is soon forgotten (as TensorFlow's ExponentialMovingAverage has it).
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

  /** @param step whose update the weights have just had; 1 for the first. */
  follow(step: number): void {
    const decay = Math.min(this.#decay, (1 + step) / (10 + step));
    for (const [name, average] of this.#averages) {
      const variable = this.#variables.get(name) as tf.Variable;
      tf.tidy(() => average.assign(tf.add(tf.mul(average, decay), tf.mul(variable, 1 - decay))));
    }
  }

  /** Has the network answer by the averages while `use` runs. */
  async during<T>(use: () => Promise<T>): Promise<T> {
    const learnt = new Map([...this.#variables].map(([name, variable]) => [name, tf.clone(variable)]));
    this.#assign(this.#averages);
    try {
      return await use();
    } finally {
      this.#assign(learnt);
      tf.dispose([...learnt.values()]);
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

const learntSuffix = '/learnt';

/** The weights themselves as a checkpoint keeps them beside their averages, to save. */
export function learntTensors(variables: Map<string, tf.Variable>): TensorSource[] {
  return [...variables].map(([name, variable]) => tensorSource(`${name}${learntSuffix}`, variable));
}

/** What to go on learning from: a checkpoint's weights, or what it keeps beside their averages. */
export function withLearnt(
  weights: Map<string, Float32Array>,
  optimizer: Map<string, Float32Array>,
): Map<string, Float32Array> {
  return new Map(
    [...weights].map(([name, values]) => [name, optimizer.get(`${name}${learntSuffix}`) ?? values]),
  );
}
