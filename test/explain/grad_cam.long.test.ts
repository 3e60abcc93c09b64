import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { explain } from '../../src/explain/explain.ts';
import { gradCam, mapsAndGradient } from '../../src/explain/grad_cam.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import type { Predictor } from '../../src/predict/predictor.ts';
import { withoutNative } from '../helpers/native.ts';
import { predictorOf } from '../helpers/predictor.ts';

const size = 32;
const description: ModelDescription = {
  architecture: 'article',
  width: size,
  height: size,
  channels: 3,
  classes: ['red', 'green'],
};
const engines: [EngineName, string | false][] = [
  ['cpu', false],
  ['wasm', false],
  ['native', withoutNative()],
];

async function on<T>(name: EngineName, use: () => Promise<T>): Promise<T> {
  const engine = await startEngine(name, { threads: 2 });
  try {
    return await use();
  } finally {
    await engine.dispose();
  }
}

/** Weights that are 0 but for these. */
function weights(shape: number[], entries: [place: number[], value: number][]): Float32Array {
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1));
  for (const [place, value] of entries) {
    values[place.reduce((offset, index, axis) => offset * (shape[axis] as number) + index, 0)] = value;
  }
  return values;
}

/** Hands red on in channel 0 and green in channel 1; a class's logit is the sum of its colour less the other's. */
function colourCounter(): Predictor {
  const side = size / 8;
  const features = Array.from({ length: side * side }, (_, position) => position * 64);
  const both = (place: (channel: number) => number[]) =>
    [0, 1].map((channel): [number[], number] => [place(channel), 1]);
  const counted = [0, 1].flatMap((channel) =>
    features.map((first): [number[], number] => [[first + channel, channel], 1]),
  );
  const logits: [number[], number][] = [0, 1].flatMap((unit) =>
    [0, 1].map((classIndex): [number[], number] => [[unit, classIndex], unit === classIndex ? 1 : -1]),
  );
  const restored = new Map([
    [
      'conv1/weights',
      weights(
        [5, 5, 3, 16],
        both((channel) => [2, 2, channel, channel]),
      ),
    ],
    [
      'conv2/weights',
      weights(
        [4, 4, 16, 32],
        both((channel) => [1, 1, channel, channel]),
      ),
    ],
    [
      'conv3/weights',
      weights(
        [3, 3, 32, 64],
        both((channel) => [1, 1, channel, channel]),
      ),
    ],
    ['fc1/weights', weights([features.length * 64, 1024], counted)],
    ['logits/weights', weights([1024, 2], logits)],
    ...[16, 32, 64, 1024, 2].map((length, index): [string, Float32Array] => [
      `${['conv1', 'conv2', 'conv3', 'fc1', 'logits'][index]}/biases`,
      new Float32Array(length),
    ]),
  ]);
  return predictorOf(description, restored);
}

/** Black, with a square of 8 pixels of each colour. */
const squares = { red: { left: 2, top: 4 }, green: { left: 20, top: 20 } };
function twoSquares(): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  for (const [channel, { left, top }] of [squares.red, squares.green].entries()) {
    for (let y = top; y < top + 8; y++)
      for (let x = left; x < left + 8; x++) pixels[(y * size + x) * 3 + channel] = 200;
  }
  return pixels;
}

/** Nothing in particular. */
function pattern(): Uint8Array {
  return Uint8Array.from(
    { length: size * size * 3 },
    (_, index) => (index * index * 7919 + index * 31) % 251,
  );
}

for (const [name, skip] of engines) {
  test(`a class is seen where its colour is, on ${name}`, { skip }, () =>
    on(name, async () => {
      const model = colourCounter();
      for (const colour of ['red', 'green'] as const) {
        const { gradCam: heat } = await explain(model, twoSquares(), { class: colour, occlusion: false });
        const within = ({ left, top }: { left: number; top: number }) =>
          [...heat].filter((_, at) => {
            const [x, y] = [(at % size) - left, Math.floor(at / size) - top];
            return x >= 0 && x < 8 && y >= 0 && y < 8;
          });
        const { [colour]: own, [colour === 'red' ? 'green' : 'red']: other } = squares;
        assert.ok(Math.min(...within(own)) > 0.99, `its own square is not hot on ${colour}`);
        assert.equal(Math.max(...within(other)), 0);
      }
      model.dispose();
    }),
  );
}

/** What Grad-CAM looks at in a network, a step small beside its values, and what normalisation scales them by. */
const networks = [
  { architecture: 'article', layer: 'conv3', step: 1e-3, scale: 1 },
  { architecture: 'deep', layer: 'norm4', step: 1e-2, scale: 4 },
  { architecture: 'residual', layer: 'add4', step: 5e-3, scale: 2 },
] as const;

/** A network for pictures of 16 x 16, whose normalisation keeps values as large as training would. */
function networkOf({ architecture, scale }: (typeof networks)[number]): Predictor {
  const small = { ...description, architecture, width: 16, height: 16 };
  const { layers, dispose } = predictorOf(small);
  const norms = layers.filter(({ kind }) => kind === 'batchNorm').map(({ variables }) => variables[0]);
  const restored = norms.map((variable): [string, Float32Array] => [
    variable?.name as string,
    new Float32Array(variable?.shape[0] ?? 0).fill(scale),
  ]);
  dispose();
  return predictorOf(small, new Map(restored));
}

for (const network of networks)
  test(`every engine draws the same map of the network ${network.architecture}`, async () => {
    const drawn = (name: EngineName) =>
      on(name, async () => {
        const model = networkOf(network);
        const heat = await gradCam(model, pattern().subarray(0, 16 * 16 * 3), 0);
        model.dispose();
        return heat;
      });
    const expected = await drawn('cpu');
    assert.ok(expected.includes(1), 'nothing speaks for the class');
    for (const [name, skip] of engines.slice(1)) {
      if (skip) continue;
      const differences = (await drawn(name)).map((value, index) =>
        Math.abs(value - (expected[index] as number)),
      );
      assert.ok(Math.max(...differences) < 1e-3, `${name} differs by ${Math.max(...differences)}`);
    }
  });

test('for a convolution it uses the output after normalisation and addition', () =>
  on('wasm', async () => {
    for (const network of networks) {
      const model = networkOf(network);
      const replaced = new Set<string>();
      const forward: Predictor['forward'] = (pictures, watch) =>
        model.forward(pictures, (name, output) => {
          const other = watch?.(name, output);
          if (other) replaced.add(name);
          return other;
        });
      await gradCam({ ...model, forward }, pattern().subarray(0, 16 * 16 * 3), 1);
      assert.deepEqual([...replaced], [network.layer]);
      model.dispose();
    }
  }));

for (const [name, skip] of engines)
  for (const network of networks) {
    test(
      `the gradient is the slope of the logit, on ${name}, network ${network.architecture}`,
      { skip },
      () =>
        on(name, async () => {
          const { layer, step } = network;
          const picture = pattern().subarray(0, 16 * 16 * 3);
          const model = networkOf(network);
          const classIndex = 1;
          const { maps, gradient } = tf.tidy(() => mapsAndGradient(model, picture, { layer, classIndex }));
          const [values, slopes] = [maps, gradient].map((tensor) => tensor.dataSync()) as [
            Float32Array,
            Float32Array,
          ];
          // Each map value in turn a little larger, then smaller: a batch of maps in the place of one.
          const shifted = [step, -step].map((shift) =>
            tf.tidy(() => {
              const batch = new Float32Array(values.length * values.length);
              for (const index of values.keys()) {
                batch.set(values, index * values.length);
                batch[index * values.length + index] = (values[index] as number) + shift;
              }
              const given = tf.tensor4d(batch, [values.length, ...maps.shape.slice(1)] as [
                number,
                number,
                number,
                number,
              ]);
              return model.forward([picture], (at) => (at === layer ? given : undefined)).dataSync();
            }),
          );
          const [up, down] = shifted as [Float32Array, Float32Array];
          const largest = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
          const wrong = slopes.filter((slope, index) => {
            const place = index * description.classes.length + classIndex;
            const measured = ((up[place] as number) - (down[place] as number)) / (2 * step);
            return Math.abs(measured - slope) > 0.01 * largest;
          });
          assert.ok(largest > 0);
          // Where two values of a pooling's window are closer than the step, the larger one changes.
          assert.ok(
            wrong.length < 0.02 * slopes.length,
            `${wrong.length} of ${slopes.length} slopes are wrong`,
          );
          model.dispose();
        }),
    );
  }

test('the picture is unchanged, and no tensors are kept', () =>
  on('wasm', async () => {
    const model = predictorOf(description);
    const picture = Buffer.from(pattern());
    await explain(model, picture);
    const before = tf.memory().numTensors;
    await explain(model, picture);
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(new Uint8Array(picture), pattern());
    model.dispose();
  }));

test('an unknown class is reported, with the known ones', () =>
  on('wasm', async () => {
    const model = predictorOf(description);
    await assert.rejects(explain(model, pattern(), { class: 'blue' }), /no class "blue".*red, green/);
    model.dispose();
  }));
