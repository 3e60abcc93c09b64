import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import sharp from 'sharp';
import { startEngine } from '../../../src/engine/index.ts';
import { softmax } from '../../../src/evaluation/softmax.ts';
import { exportNetwork } from '../../../src/formats/export.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import type { ExportOptions, Network } from '../../../src/formats/index.ts';
import { savedModel, tfCheckpoint } from '../../../src/formats/tensorflow/index.ts';
import { decodePicture } from '../../../src/images/decode.ts';
import { fittingOf } from '../../../src/models/preprocessing.ts';
import { emoji } from '../../helpers/emoji.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf, picturesFor } from '../../helpers/network.ts';
import { inside, networkCasesBeyondTfjs } from '../../helpers/network_cases.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';

const folder = temporaryFolder();

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
    savedAgain: boolean;
  };
  savedModel: { serving_default: Answer; encoded: Answer };
}

/** Pictures larger, smaller and of another shape than the networks'. */
async function writePictures(to: string): Promise<string[]> {
  const on = (name: string, background: string) => emoji(name, 300).flatten({ background }).toBuffer();
  const files = ['large.jpg', 'small.png', 'wide.jpg', 'bright.png'].map((name) => join(to, name)).sort();
  const [bright, large, small, wide] = files as [string, string, string, string];
  await sharp(await on('cat', '#3a6'))
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toFile(large);
  await sharp(await on('pizza', '#218'))
    .resize(40, 23, { fit: 'fill' })
    .png()
    .toFile(small);
  await sharp(await on('dog', '#fa2'))
    .resize(200, 90, { fit: 'fill' })
    .jpeg({ quality: 95 })
    .toFile(wide);
  await sharp(await on('cat', '#fff'))
    .resize(130, 260, { fit: 'fill' })
    .png()
    .toFile(bright);
  return files;
}

/** They add up in another order than bat-sup: measured are 3e-6 of the spread of the logits. */
const tolerance = 1e-5;
/** Files are decoded and resized by other code, whose bytes differ by a few: measured are 11 % of what tells pictures apart. */
const toleranceOfFiles = 0.15;

function assertNear(own: number[][], theirs: number[][], most = tolerance): void {
  const { difference, spread } = compare(own, theirs);
  assert.ok(difference <= most * spread, `they differ by ${difference}, of a spread of ${spread}`);
}

/** How far apart the pictures of these logits are. */
function variationOf(logits: number[][]): number {
  const columns = (logits[0] as number[]).map((_, column) => logits.map((row) => row[column] as number));
  return Math.max(...columns.map((column) => Math.max(...column) - Math.min(...column)));
}

/** Those of networkCases, and which of them with rounded weights. */
const normalised = ['ImageNet', 'Caffe', 'Lite'];
const described = ['article', 'grey', 'deep', 'valid', 'branching', 'uneven', 'mobile', 'residual', 'bgr'];
const names = [...described, ...normalised, 'hard swish', 'hard sigmoid', 'grouped'];
const rounded = [
  ['article', 'float16'],
  ['article', 'int8'],
  ['residual', 'float16'],
  ['residual', 'int8'],
] as const;

describe('TensorFlow loads a network', { skip: withoutPackage('tensorflow') }, () => {
  let networks: Network[];
  let files: string[];
  let answers: Answers[];
  const pixelsOf = ({ model }: Network) => picturesFor(model, 5);

  before(async () => {
    await startEngine('wasm', { threads: 1 });
    mkdirSync(join(folder, 'files'));
    files = await writePictures(join(folder, 'files'));
    const cases = networkCasesBeyondTfjs();
    assert.deepEqual(
      cases.map(([name]) => name),
      names,
    );
    networks = [...names, ...rounded.map(([name]) => name)].map(
      (name) => new Map(cases).get(name) as Network,
    );
    const tasks = [];
    for (const [index, network] of networks.entries()) {
      const place = join(folder, String(index));
      const options: ExportOptions = { ...inside, weights: rounded[index - names.length]?.[1] ?? 'float32' };
      await exportNetwork(network, tfCheckpoint, join(place, 'tf-checkpoint'), options);
      await exportNetwork(network, savedModel, join(place, 'saved-model'), options);
      writeFileSync(join(place, 'pixels'), pixelsOf(network));
      const { architecture, width, height, channels } = network.model;
      const isArticle = architecture === 'article';
      tasks.push({ folder: place, shape: [-1, height, width, channels], isArticle });
    }
    writeFileSync(join(folder, 'tasks.json'), JSON.stringify(tasks));
    answers = runPython(new URL('run_exports.py', import.meta.url), join(folder, 'tasks.json'));
    assert.equal(answers.length, networks.length);
  });

  for (const [index, name] of names.entries()) {
    test(`${name}, as a checkpoint with the article's names, and answers the same`, async () => {
      const network = networks[index] as Network;
      const { checkpoint } = answers[index] as Answers;
      const logits = logitsOf(network, pixelsOf(network));
      assertNear(logits, checkpoint.logits);
      if (network.model.architecture === 'article') assert.deepEqual(checkpoint.add_4, checkpoint.logits);
      assert.deepEqual(checkpoint.classes, network.model.classes);
      assert.equal(checkpoint.variables, network.weights.size);
      const trainable = network.layers.flatMap(({ variables }) => variables);
      assert.equal(checkpoint.trainable, trainable.length);
      assert.ok(checkpoint.savedAgain);
    });

    test(`${name}, as a SavedModel, and answers the same`, async () => {
      const network = networks[index] as Network;
      const { serving_default: served } = (answers[index] as Answers).savedModel;
      const logits = logitsOf(network, pixelsOf(network));
      assertNear(logits, served.logits);
      const probabilities = logits.map((row) => [...softmax(Float32Array.from(row), network.temperature)]);
      assertNear(probabilities, served.probabilities);
      assert.deepEqual(
        served.classes,
        logits.map(() => network.model.classes),
      );
      assert.deepEqual(
        served.class,
        logits.map((row) => network.model.classes[row.indexOf(Math.max(...row))]),
      );
    });

    test(`${name}, as a SavedModel that reads files, and answers nearly the same`, async () => {
      const network = networks[index] as Network;
      const { encoded } = (answers[index] as Answers).savedModel;
      const size = { ...network.model, ...fittingOf(network.preprocessing) };
      const pixels = await Promise.all(files.map((file) => decodePicture(file, size)));
      const logits = logitsOf(network, Buffer.concat(pixels));
      const { difference } = compare(logits, encoded.logits);
      const variation = variationOf(logits);
      assert.ok(difference <= toleranceOfFiles * variation, `they differ by ${difference}, of ${variation}`);
    });

    test(`${name}, and bat-sup imports it again, bit for bit`, async () => {
      const network = networks[index] as Network;
      const back = await importNetwork(join(folder, String(index), 'tf-checkpoint'));
      assert.equal(back.format, 'tf-checkpoint');
      const model = { ...network.model, layers: network.layers };
      assert.deepEqual(back.network, { ...network, model, assumed: [] });
    });

    test(`${name}, and bat-sup imports the SavedModel again, bit for bit`, async () => {
      const network = networks[index] as Network;
      const back = await importNetwork(join(folder, String(index), 'saved-model'));
      assert.equal(back.format, 'saved-model');
      const { order } = network.preprocessing;
      assert.deepEqual(back.network, {
        assumed: [],
        ...network,
        model: { ...network.model, layers: network.layers },
        preprocessing: { ...network.preprocessing, order: network.model.channels === 1 ? 'rgb' : order },
      });
    });
  }

  /** Measured are 3e-4 and 2e-2 of the spread of the logits. */
  const mostLost = { float16: 1e-3, int8: 0.05 };
  for (const [place, [name, weights]] of rounded.entries()) {
    const index = names.length + place;
    test(`${name} with the weights as ${weights}, and both answer what is stored`, async () => {
      const network = networks[index] as Network;
      const { checkpoint, savedModel } = answers[index] as Answers;
      const pixels = pixelsOf(network);
      assertNear(logitsOf(network, pixels), checkpoint.logits, mostLost[weights]);
      for (const [format, theirs] of [
        ['tf-checkpoint', checkpoint.logits],
        ['saved-model', savedModel.serving_default.logits],
      ] as const) {
        const stored = await importNetwork(join(folder, String(index), format));
        assertNear(logitsOf(stored.network, pixels), theirs);
        assert.notDeepEqual(stored.network.weights, network.weights);
      }
      if (network.model.architecture === 'article') assert.deepEqual(checkpoint.add_4, checkpoint.logits);
      assert.equal(checkpoint.trainable, 0);
      assert.ok(checkpoint.savedAgain);
    });
  }
});
