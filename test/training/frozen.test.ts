/** Layers that do not learn, batch normalisation with its moving statistics, and learning rates for single variables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import type { World } from '../../src/cluster/index.ts';
import { createModel, type Model, type ModelOptions } from '../../src/models/model.ts';
import { Adam, type AdamOptions } from '../../src/training/adam.ts';
import { GradientExchange } from '../../src/training/exchange.ts';
import { evaluateBatch, trainStep } from '../../src/training/step.ts';
import { trainStepTogether } from '../../src/training/step_together.ts';
import { computeOn, machines } from '../engine/every_engine.ts';
import { mbconvNetwork, trainedWeights } from '../helpers/mbconv.ts';
import { picturesFor } from '../helpers/network.ts';

const description = mbconvNetwork();
const layers = description.layers ?? [];
const batchSize = 4;

function batchOf(step: number) {
  const all = picturesFor(description, batchSize * 12);
  const bytes = all.length / 12;
  return { pixels: all.slice((step - 1) * bytes, step * bytes), labels: [0, 1, 2, (step * 7) % 3] };
}

/** All layers up to and with this one. */
function upTo(name: string): string[] {
  return layers.slice(0, layers.findIndex((layer) => layer.name === name) + 1).map((layer) => layer.name);
}

function create(options: ModelOptions = {}, adam: AdamOptions = {}) {
  const model = createModel(description, { restored: trainedWeights(description), ...options });
  return { model, adam: new Adam(model.variables, new Map(), adam) };
}

type Training = ReturnType<typeof create>;

function learn({ model, adam }: Training, from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const step = from + index;
    return trainStep(model, adam, batchOf(step), { step, learningRate: 0.01 })().loss;
  });
}

function end({ model, adam }: Training): void {
  adam.dispose();
  model.dispose();
}

/** Copies of all values, by variable name. */
function valuesOf({ variables, state, frozen }: Model): Map<string, Float32Array> {
  return new Map(
    [...variables, ...state, ...frozen].map(([name, one]) => [
      name,
      (one.dataSync() as Float32Array).slice(),
    ]),
  );
}

for (const machine of machines) {
  const where = `${machine.engine}, ${machine.threads} threads`;

  test(`${where}: frozen layers keep every bit, and all others learn`, () =>
    computeOn(machine, () => {
      const frozen = upTo('norm5');
      const training = create({ frozen }, { weightDecay: 0.1 });
      const before = valuesOf(training.model);
      learn(training, 1, 3);
      for (const [name, values] of valuesOf(training.model)) {
        const isFrozen = frozen.includes(name.slice(0, name.indexOf('/')));
        const isSame = values.every((value, index) => value === before.get(name)?.[index]);
        assert.equal(isSame, isFrozen, name);
      }
      const moments = [...training.adam.moments.keys()].map((name) => name.slice(0, name.indexOf('/')));
      assert.deepEqual(
        moments.filter((name) => frozen.includes(name)),
        [],
      );
      end(training);
    }));

  test(`${where}: frozen statistics stay, and training sees what inference sees`, () =>
    computeOn(machine, () => {
      const training = create({ frozenStatistics: true });
      const before = valuesOf(training.model);
      const { loss } = evaluateBatch(training.model, batchOf(1));
      const losses = learn(training, 1, 6);
      assert.ok(Math.abs((losses[0] as number) - loss) < 1e-5, `${losses[0]}, not ${loss}`);
      for (const [name, values] of valuesOf(training.model))
        assert.equal(
          values.every((value, index) => value === before.get(name)?.[index]),
          /\/(mean|variance)$/.test(name),
          name,
        );
      end(training);
    }));

  test(`${where}: the scale and offset of frozen statistics have the gradients of finite differences`, () =>
    computeOn(machine, () => {
      const training = create({ frozenStatistics: true });
      const { model } = training;
      let gradients: tf.NamedTensorMap = {};
      const watch = {
        layer: () => undefined,
        gradients: (given: tf.NamedTensorMap) => {
          gradients = Object.fromEntries(
            Object.entries(given).map(([name, one]) => [name, tf.keep(one.clone())]),
          );
        },
      };
      const restored = valuesOf(model);
      trainStep(model, training.adam, batchOf(1), { step: 1, learningRate: 0, watch })();
      for (const name of [
        'norm2/scale',
        'norm4/offset',
        'norm6/scale',
        'depthwise2/weights',
        'conv1/weights',
      ]) {
        const variable = model.variables.get(name) as tf.Variable;
        const values = restored.get(name) as Float32Array;
        const distance = 2e-3;
        const lossAt = (change: number) => {
          const changed = values.slice();
          changed[1] = (values[1] as number) + change;
          tf.tidy(() => variable.assign(tf.tensor(changed, variable.shape)));
          return evaluateBatch(model, batchOf(1)).loss;
        };
        const expected = (lossAt(distance) - lossAt(-distance)) / (2 * distance);
        lossAt(0);
        const actual = gradients[variable.name]?.dataSync()[1] as number;
        assert.ok(
          Math.abs(actual - expected) < 2e-3 + 0.03 * Math.abs(expected),
          `${name}: ${actual}, not ${expected}`,
        );
      }
      tf.dispose(gradients);
      end(training);
    }));

  test(`${where}: a restored training continues bit for bit`, () =>
    computeOn(machine, () => {
      const options = { frozen: upTo('norm2'), frozenStatistics: true };
      const whole = create(options);
      learn(whole, 1, 4);
      const first = create(options);
      learn(first, 1, 2);
      const moments = new Map(
        [...first.adam.moments].map(([name, one]) => [name, (one.dataSync() as Float32Array).slice()]),
      );
      const model = createModel(description, { ...options, restored: valuesOf(first.model) });
      const second = { model, adam: new Adam(model.variables, moments) };
      learn(second, 3, 4);
      assert.deepEqual(valuesOf(second.model), valuesOf(whole.model));
      for (const one of [whole, first, second]) end(one);
    }));

  test(`${where}: a variable’s learning rate is multiplied by its factor`, () =>
    computeOn(machine, () => {
      const factors = new Map([
        ['conv2/weights', 0.5],
        ['logits/biases', 0],
      ]);
      const plain = create({}, { weightDecay: 0.1 });
      const scaled = create({}, { weightDecay: 0.1, learningRates: factors });
      const before = valuesOf(plain.model);
      learn(plain, 1, 1);
      learn(scaled, 1, 1);
      const after = valuesOf(plain.model);
      for (const [name, values] of valuesOf(scaled.model)) {
        if (/\/(mean|variance)$/.test(name)) continue;
        for (const [index, value] of values.entries()) {
          const start = before.get(name)?.[index] as number;
          const step = (after.get(name)?.[index] as number) - start;
          assert.ok(Math.abs(value - start - step * (factors.get(name) ?? 1)) < 1e-6, `${name} ${index}`);
        }
      }
      end(plain);
      end(scaled);
    }));
}

test('nothing is computed for gradients below the lowest layer that learns', () =>
  computeOn({ engine: 'cpu', threads: 1 }, async () => {
    const kernelsOf = async (options: ModelOptions) => {
      const training = create(options);
      const { kernels } = await tf.profile(() => {
        trainStep(training.model, training.adam, batchOf(1), { step: 1, learningRate: 0.01 })();
        return tf.scalar(0);
      });
      end(training);
      return kernels.map(({ name }) => name).filter((name) => /Backprop|Grad/.test(name));
    };
    assert.ok((await kernelsOf({})).length > 15);
    const frozen = layers.map(({ name }) => name).filter((name) => name !== 'logits');
    assert.deepEqual(await kernelsOf({ frozen }), []);
    const allButHead = frozen.filter((name) => name !== 'conv7' && name !== 'norm10');
    const kernels = await kernelsOf({ frozen: allButHead, frozenStatistics: true });
    assert.ok(
      kernels.every((name) => !name.endsWith('BackpropInput')),
      String(kernels),
    );
  }));

for (const frozen of [[], upTo('norm5')])
  test(`an observed step of a network with ${frozen.length} frozen layers computes the same, and shows each layer once`, () =>
    computeOn({ engine: 'wasm', threads: 1 }, () => {
      const seen: string[] = [];
      const watch = {
        layer: (name: string) => {
          seen.push(name);
          return undefined;
        },
        gradients: () => {},
      };
      const options = { frozen, frozenStatistics: true };
      const [plain, watched] = [create(options), create(options)];
      learn(plain, 1, 1);
      trainStep(watched.model, watched.adam, batchOf(1), { step: 1, learningRate: 0.01, watch })();
      assert.deepEqual(valuesOf(watched.model), valuesOf(plain.model));
      assert.deepEqual(
        seen,
        layers.map(({ name }) => name),
      );
      end(plain);
      end(watched);
    }));

for (const machine of machines)
  test(`${machine.engine}, ${machine.threads} threads: frozen layers compute what they do where they learn`, () =>
    computeOn(machine, () => {
      const whole = create();
      const expected = evaluateBatch(whole.model, batchOf(1)).loss;
      for (const last of layers.slice(0, -1)) {
        const part = create({ frozen: upTo(last.name), frozenStatistics: true });
        const { loss } = evaluateBatch(part.model, batchOf(1));
        assert.ok(Math.abs(loss - expected) < 1e-5, `${last.name}: ${loss}, not ${expected}`);
        end(part);
      }
      end(whole);
    }));

test('ranks exchange only what learns, and come to the same weights', () =>
  computeOn({ engine: 'wasm', threads: 1 }, async () => {
    const options = { frozen: upTo('norm3'), frozenStatistics: true };
    const [alone, shared] = [create(options), create(options)];
    const settings = { batchSize, gradientCompression: 'off' } as const;
    const reduced: number[] = [];
    const world = {
      rank: 0,
      size: 1,
      allreduce: async (values: ArrayLike<number>) => {
        reduced.push(values.length);
      },
      progress: () => {},
    } as unknown as World;
    const exchange = new GradientExchange({ world, model: shared.model, settings });
    assert.deepEqual(exchange.state, []);
    learn(alone, 1, 2);
    for (const step of [1, 2]) {
      const given = { step, learningRate: 0.01, exchange, stop: false };
      await trainStepTogether(shared.model, shared.adam, batchOf(step), given);
    }
    assert.deepEqual(valuesOf(shared.model), valuesOf(alone.model));
    const learning = [...shared.model.variables.values()].reduce((sum, { size }) => sum + size, 0);
    // Each step also exchanges the loss, the correct pictures and whether to stop.
    assert.equal(
      reduced.reduce((sum, length) => sum + length, 0),
      2 * (learning + 3),
    );
    end(alone);
    end(shared);
  }));

test('a network in which nothing learns is not trained', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    const training = create({ frozen: layers.map(({ name }) => name) });
    assert.throws(() => learn(training, 1, 1), /All layers are frozen/);
    end(training);
  }));

test('training frees what it allocates', () =>
  computeOn({ engine: 'wasm', threads: 1 }, () => {
    const training = create({ frozen: upTo('norm3'), frozenStatistics: true });
    learn(training, 1, 1);
    const { numTensors, numDataBuffers } = tf.memory();
    learn(training, 2, 3);
    assert.deepEqual(
      { numTensors, numDataBuffers },
      { numTensors: tf.memory().numTensors, numDataBuffers: tf.memory().numDataBuffers },
    );
    end(training);
  }));

test('a name that is no layer’s is refused', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    assert.throws(
      () => createModel(description, { frozen: ['conv99'] }),
      /The layer "conv99" cannot be frozen/,
    );
  }));
