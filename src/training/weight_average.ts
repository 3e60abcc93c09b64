import { tf } from '../tensors/tf.ts';
import { type TensorSource, tensorSource } from './tensor_source.ts';

/** Weights that are validated and saved in place of the current ones, because they usually predict better. */
export interface AveragedWeights {
  /** The averages by variable name, as of the last step. */
  readonly averages: ReadonlyMap<string, tf.Variable>;
  /** What else has to be the same on all ranks, and to be saved, by its name in optimizer.bin. */
  readonly memory: ReadonlyMap<string, tf.Variable>;
  /** @param step the step that has just updated the weights; 1 for the first. */
  update(step: number): void;
  /** Begins again for these variables, from their current values. */
  restart(names: Iterable<string>): void;
  dispose(): void;
}

type Variables = ReadonlyMap<string, tf.Variable>;

/** Copies of variables, or of the values that were restored for them. */
function copiesOf(
  variables: Variables,
  restored = new Map<string, Float32Array>(),
): Map<string, tf.Variable> {
  const copy = ([name, variable]: [string, tf.Variable]): [string, tf.Variable] => {
    const values = restored.get(name) ?? variable.dataSync().slice();
    return [name, tf.tidy(() => tf.variable(tf.tensor(values, variable.shape), false))];
  };
  return new Map([...variables].map(copy));
}

/** Copies values: after a plain assign both would share memory, which Adam's update changes in place. */
function copyTo(target: tf.Variable | undefined, source: tf.Variable): void {
  tf.tidy(() => target?.assign(tf.tensor(source.dataSync().slice(), source.shape)));
}

function assignAll(variables: Variables, values: ReadonlyMap<string, tf.Tensor>): void {
  for (const [name, variable] of variables) variable.assign(values.get(name) as tf.Tensor);
}

/**
 * Exponential moving averages (Polyak averaging). After each step, average = d * average + (1 - d) * weight, with
 * d = min(decay, (1 + step) / (10 + step)), so that the random initial weights are soon forgotten (as in TensorFlow's
 * ExponentialMovingAverage).
 * @param restored averages by variable name; where absent, an average starts from its variable.
 */
export function movingAverage(
  variables: Variables,
  decay: number,
  restored?: Map<string, Float32Array>,
): AveragedWeights {
  const averages = copiesOf(variables, restored);
  return {
    averages,
    memory: new Map(),
    update(step) {
      const kept = Math.min(decay, (1 + step) / (10 + step));
      for (const [name, average] of averages) {
        const variable = variables.get(name) as tf.Variable;
        tf.tidy(() => average.assign(tf.add(tf.mul(average, kept), tf.mul(variable, 1 - kept))));
      }
    },
    restart(names) {
      for (const name of names) copyTo(averages.get(name), variables.get(name) as tf.Variable);
    },
    dispose: () => tf.dispose([...averages.values()]),
  };
}

/** Share of the fine-tuned weights in their average with the start. */
const alpha = 0.75;

/** Part of the checkpoint format. */
const startSuffix = '/start';

/**
 * Weights a quarter of the way back to their values before fine-tuning (WiSE-FT, Wortsman et al. 2022, with alpha 0.75): as
 * accurate as the fine-tuned ones to about half a point, and less overconfident.
 * @param optimizer what optimizer.bin holds; a start that it lacks is the variable's current value.
 */
export function averageWithStart(
  variables: Variables,
  optimizer: ReadonlyMap<string, Float32Array>,
): AveragedWeights {
  const restored = [...optimizer]
    .filter(([name]) => name.endsWith(startSuffix))
    .map(([name, values]): [string, Float32Array] => [name.slice(0, -startSuffix.length), values]);
  const starts = copiesOf(variables, new Map(restored));
  const averages = copiesOf(variables);
  const update = () => {
    for (const [name, average] of averages) {
      const [start, variable] = [starts.get(name), variables.get(name)] as [tf.Variable, tf.Variable];
      tf.tidy(() => average.assign(tf.add(tf.mul(start, 1 - alpha), tf.mul(variable, alpha))));
    }
  };
  update();
  return {
    averages,
    memory: new Map([...starts].map(([name, start]) => [`${name}${startSuffix}`, start])),
    update,
    restart(names) {
      for (const name of names) copyTo(starts.get(name), variables.get(name) as tf.Variable);
      update();
    },
    dispose: () => tf.dispose([...starts.values(), ...averages.values()]),
  };
}

/** Puts averages in place of the weights while `work` runs. */
export async function withAverages<T>(
  variables: Variables,
  averages: Variables,
  work: () => Promise<T>,
): Promise<T> {
  const current = new Map([...variables].map(([name, variable]) => [name, tf.clone(variable)]));
  assignAll(variables, averages);
  try {
    return await work();
  } finally {
    assignAll(variables, current);
    tf.dispose([...current.values()]);
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
