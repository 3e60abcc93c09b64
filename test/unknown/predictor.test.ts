/** On every engine: distances come with the probabilities, in one pass, and are those of the features on their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../../src/errors.ts';
import { valuesOf } from '../../src/formats/network.ts';
import { createFoldedModel } from '../../src/inference/model.ts';
import type { ArchitectureName } from '../../src/models/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { toPictures } from '../../src/models/to_pictures.ts';
import { createPredictor } from '../../src/predict/predictor.ts';
import type { Rejection } from '../../src/unknown/rejection.ts';
import { computeOn, machines } from '../engine/every_engine.ts';
import { networkOf, picturesFor } from '../helpers/network.ts';
import { rowsOf } from './rows.ts';

const architectures: ArchitectureName[] = ['article', 'deep', 'residual', 'efficientnet-lite0'];

const place = {
  decode: () => Promise.reject(new Error('pictures are decoded already')),
  fit: 'fill' as const,
  temperature: 2,
  checkpoint: '',
};

function rejectionFor({ layers }: ReturnType<typeof networkOf>): Rejection {
  const last = layers.at(-1);
  const length = last?.inputShape[0] as number;
  const { features: references } = rowsOf('references', 5, { length, classes: 2 });
  for (let row = 0; row < 5; row++) {
    const own = references.subarray(row * length, (row + 1) * length);
    const norm = Math.hypot(...own);
    for (const [at, value] of own.entries()) own[at] = value / norm;
  }
  return { layer: last?.inputs[0] as string, length, references, distanceFactor: 3, doubtFactor: 0.5 };
}

for (const machine of machines)
  test(`distances: ${machine.engine}, threads: ${machine.threads}`, () =>
    computeOn(machine, async () => {
      for (const architecture of architectures) {
        const description: ModelDescription = {
          ...{ architecture, width: 45, height: 38, channels: 3, classes: ['bat', 'owl', 'sup'] },
        };
        const network = networkOf(description);
        const { layers, preprocessing } = network;
        const weights = valuesOf(network);
        const rejection = rejectionFor(network);
        const before = tf.memory().numTensors;
        const predictor = createPredictor({ description, layers, preprocessing, weights, rejection }, place);
        const bytes = picturesFor(description, 3);
        const size = bytes.length / 3;
        const pictures = [0, 1, 2].map((one) => bytes.slice(one * size, (one + 1) * size));
        const judged = (await predictor.judge?.(pictures)) ?? [];
        const logits = await predictor.predict(pictures, 'none');
        assert.deepEqual(
          judged.map(({ values }) => [...values]),
          (await predictor.predict(pictures)).map((values) => [...values]),
          architecture,
        );

        const folded = createFoldedModel({ layers, weights });
        const output = tf.tidy(() =>
          folded.forward(
            toPictures(bytes, { description: { ...description, layers }, preprocessing }),
            rejection.layer,
          ),
        );
        const features = output.dataSync() as Float32Array;
        output.dispose();
        folded.dispose();
        for (const [picture, { distance = Number.NaN }] of judged.entries()) {
          const { length } = rejection;
          const row = features.subarray(picture * length, (picture + 1) * length);
          const cosines = [0, 1, 2, 3, 4].map((one) => {
            const reference = rejection.references.subarray(one * length, (one + 1) * length);
            return (
              row.reduce((sum, value, at) => sum + value * (reference[at] as number), 0) / Math.hypot(...row)
            );
          });
          const own = logits[picture] as Float32Array;
          const doubt = 1 - 1 / own.reduce((sum, logit) => sum + Math.exp(logit - Math.max(...own)), 0);
          const expected = 3 * (1 - Math.max(...cosines)) + 0.5 * doubt;
          assert.ok(Math.abs(distance - expected) < 1e-4, `${architecture}: ${distance}, not ${expected}`);
        }
        predictor.dispose();
        assert.equal(tf.memory().numTensors, before, architecture);
      }
    }));

test('the rejection of another network is refused', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    const network = networkOf();
    const { model: description, layers, preprocessing } = network;
    const parts = { description, layers, preprocessing, weights: valuesOf(network) };
    const rejection = { ...rejectionFor(network), length: 1 };
    assert.throws(
      () => createPredictor({ ...parts, rejection }, place),
      (error) => error instanceof UserError && /unknown\.json is about 1 features of/.test(error.message),
    );
  }));
