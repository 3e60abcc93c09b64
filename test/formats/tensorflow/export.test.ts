import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { startEngine } from '../../../src/engine/index.ts';
import { exportNetwork } from '../../../src/formats/export.ts';
import type { Network } from '../../../src/formats/index.ts';
import { savedModel, tfCheckpoint } from '../../../src/formats/tensorflow/index.ts';
import { decodePicture } from '../../../src/images/decode.ts';
import { emoji } from '../../helpers/emoji.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { articleDescription, compare, logitsOf, networkOf, picturesFor } from '../../helpers/network.ts';
import { runPython, withoutPython } from '../../helpers/python.ts';

before(() => startEngine('wasm', { threads: 1 }));

const inside = { weights: 'float32', preprocessing: 'inside' } as const;

interface Answer {
  logits: number[][];
  probabilities: number[][];
  classes: string[][];
  class: string[];
}

interface Answers {
  checkpoint: {
    add_4: number[][] | null;
    logits: number[][];
    classes: string[];
    trainable: number;
    variables: number;
    saved_again: boolean;
  };
  savedModel: { serving_default: Answer; encoded: Answer };
}

/** Pictures larger, smaller and of another shape than the network's. */
async function writePictures(folder: string): Promise<string[]> {
  const files = ['large.jpg', 'small.png', 'wide.jpg'].map((name) => join(folder, name));
  const [large, small, wide] = files as [string, string, string];
  const photograph = await emoji('cat', 300).flatten({ background: '#3a6' }).toBuffer();
  await sharp(photograph).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(large);
  await sharp(photograph).resize(17, 23, { fit: 'fill' }).png().toFile(small);
  await sharp(photograph).resize(200, 90, { fit: 'fill' }).jpeg({ quality: 95 }).toFile(wide);
  return files;
}

/** Writes both formats, and asks TensorFlow. */
async function askTensorFlow(
  network: Network,
  pixels: Uint8Array,
  files: string[],
  folder: string,
): Promise<Answers> {
  const { architecture, width, height, channels, classes } = network.model;
  await exportNetwork(network, tfCheckpoint, join(folder, 'tf-checkpoint'), inside);
  await exportNetwork(network, savedModel, join(folder, 'saved-model'), inside);
  writeFileSync(join(folder, 'pixels'), pixels);
  const task = {
    folder,
    checkpoint: join(folder, 'tf-checkpoint', 'model'),
    savedModel: join(folder, 'saved-model'),
    shape: [-1, height, width, channels],
    pixels: join(folder, 'pixels'),
    classes: classes.length,
    article: architecture === 'article',
    files,
  };
  writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
  return runPython(new URL('run_exports.py', import.meta.url), join(folder, 'task.json'));
}

const tolerance = 1e-5;

function assertNear(own: number[][], theirs: number[][], most = tolerance): void {
  const { difference, spread } = compare(own, theirs);
  assert.ok(difference <= most * spread, `they differ by ${difference}, of a spread of ${spread}`);
}

const cases: [string, Network['model'], Partial<Network['preprocessing']>][] = [
  ['as bat-sup trains it', articleDescription, { fit: 'cover' }],
  ['as the article trains it', articleDescription, { fit: 'fill', scale: 1, order: 'bgr' }],
  ['of grey pictures', { ...articleDescription, channels: 1 }, { fit: 'contain' }],
];

for (const [name, model, preprocessing] of cases) {
  test(`TensorFlow loads a network ${name} and answers the same`, { skip: withoutPython() }, async () => {
    const plain = networkOf(model);
    const network = { ...plain, preprocessing: { ...plain.preprocessing, ...preprocessing } };
    const folder = temporaryFolder();
    const pixels = picturesFor(model, 5);
    const files = await writePictures(folder);
    const answers = await askTensorFlow(network, pixels, files, folder);

    const own = logitsOf(network, pixels);
    const { checkpoint, savedModel: saved } = answers;
    assertNear(own, checkpoint.logits);
    assert.deepEqual(checkpoint.add_4, checkpoint.logits);
    assert.deepEqual(checkpoint.classes, model.classes);
    assert.equal(checkpoint.variables, 10);
    assert.equal(checkpoint.trainable, 10);
    assert.ok(checkpoint.saved_again);

    const served = saved.serving_default;
    assertNear(own, served.logits);
    const probabilities = tf.tidy(() =>
      tf.softmax(tf.div(tf.tensor2d(own), network.temperature)).arraySync(),
    );
    assertNear(probabilities as number[][], served.probabilities);
    assert.deepEqual(
      served.classes,
      own.map(() => model.classes),
    );
    assert.deepEqual(
      served.class,
      own.map((row) => model.classes[row.indexOf(Math.max(...row))]),
    );

    // Of files: other decoders and another way of resizing.
    const { width, height, channels } = model;
    const decoded = files.map((file) =>
      decodePicture(file, { width, height, channels, fit: network.preprocessing.fit }),
    );
    const ofFiles = logitsOf(network, Buffer.concat(await Promise.all(decoded)));
    console.log(
      compare(ofFiles, saved.encoded.logits),
      compare(own, checkpoint.logits),
      compare(own, served.logits),
    );
  });
}
