/**
 * What storing weights in 16 or 8 bits costs: the article's network, trained on the demo's drawings, exported in every
 * format, and asked by the format's own runtime about drawings by a maker that the network has never seen.
 * npm run bench -- formats [--epochs 4] [--engine native] [--python .cache/python/bin/python] [--json]
 * ONNX Runtime, LiteRT and Keras are asked through the scripts of the tests, with the Python of the tests in CI.
 * TensorFlow.js, safetensors and TensorFlow's graphs hold weights that become float32 before they are used; bat-sup
 * imports these again.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { shuffle } from '../src/dataset/shuffle.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { exportNetwork } from '../src/formats/export.ts';
import { importNetwork } from '../src/formats/import.ts';
import { formats, type Network, type weightTypes } from '../src/formats/index.ts';
import { modelOf } from '../src/formats/network.ts';
import { decodePicture } from '../src/images/decode.ts';
import { createModel, type Model, type ModelDescription } from '../src/models/model.ts';
import { ownPreprocessing } from '../src/models/preprocessing.ts';
import { toPictures } from '../src/models/to_pictures.ts';
import { bytesBelow } from '../src/system/files.ts';
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';
import { drawings, photographOf } from './drawings.ts';

const { values: options } = parseArgs({
  options: {
    epochs: { type: 'string', default: '4' },
    engine: { type: 'string', default: 'native' },
    python: {
      type: 'string',
      default: fileURLToPath(new URL('../.cache/python/bin/python', import.meta.url)),
    },
    json: { type: 'boolean', default: false },
  },
});
const batchSize = 10;
const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;
const description: ModelDescription = {
  architecture: 'article',
  width: 100,
  height: 100,
  channels: 3,
  classes: ['animals', 'food'],
};

interface Examples {
  pixels: Uint8Array[];
  labels: number[];
}

async function examplesOf(list: typeof drawings.rawdata, shots: number): Promise<Examples> {
  const all = list.flatMap((drawing) => Array.from({ length: shots }, (_, shot) => ({ drawing, shot })));
  const decode = async ({ drawing, shot }: (typeof all)[number]) =>
    decodePicture(await photographOf(drawing, shot), size);
  return {
    pixels: await Promise.all(all.map(decode)),
    labels: all.map(({ drawing }) => description.classes.indexOf(drawing.className)),
  };
}

function train({ pixels, labels }: Examples): Model {
  const model = createModel(description, { seed: 1 });
  const adam = new Adam(model.variables);
  let step = 0;
  for (let epoch = 0; epoch < Number(options.epochs); epoch++) {
    const order = shuffle([...labels.keys()], `1/${epoch}`);
    for (let start = 0; start + batchSize <= order.length; start += batchSize) {
      const places = order.slice(start, start + batchSize);
      const batch = {
        pixels: Buffer.concat(places.map((place) => pixels[place] as Uint8Array)),
        labels: places.map((place) => labels[place] as number),
      };
      trainStep(model, adam, batch, { step: ++step, learningRate: 3e-4 })();
    }
  }
  return model;
}

function networkOf({ variables, layers }: Model): Network {
  const weights: Network['weights'] = new Map();
  for (const [name, variable] of variables)
    weights.set(name, { name, shape: variable.shape, values: variable.dataSync() as Float32Array });
  const preprocessing = { fit: 'fill', scale: ownPreprocessing.scale } as const;
  return { model: description, preprocessing, layers, weights, temperature: 1 };
}

function ask(network: Network, pixels: Uint8Array[]): number[][] {
  const model = modelOf(network);
  const logits = pixels.flatMap((picture) =>
    tf.tidy(() => model.forward(toPictures(picture, model)).arraySync()),
  );
  model.dispose();
  return logits;
}

/** The logits of an exported file, by whatever runs it. */
async function askExported(
  name: string,
  file: string,
  pixels: Uint8Array[],
  folder: string,
): Promise<number[][]> {
  if (!['onnx', 'tflite', 'keras'].includes(name)) return ask((await importNetwork(file)).network, pixels);
  const pixelFile = join(folder, 'pixels');
  writeFileSync(pixelFile, Buffer.concat(pixels));
  const task = { file, pixels: pixelFile, shape: [-1, size.height, size.width, size.channels], scale: null };
  writeFileSync(join(folder, 'tasks.json'), JSON.stringify([task]));
  const script = fileURLToPath(new URL(`../test/formats/${name}/run.py`, import.meta.url));
  const output = execFileSync(options.python, [script, join(folder, 'tasks.json')], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output)[0].logits;
}

async function bytesOf(path: string): Promise<number> {
  const found = statSync(path);
  return found.isDirectory() ? bytesBelow(path) : found.size;
}

const best = (row: number[]) => row.indexOf(Math.max(...row));

function compare(own: number[][], theirs: number[][], labels: number[]) {
  const right = theirs.filter((row, picture) => best(row) === labels[picture]).length;
  const changed = theirs.filter((row, picture) => best(row) !== best(own[picture] as number[])).length;
  const differences = own.flatMap((row, picture) =>
    row.map((value, place) => Math.abs(value - (theirs[picture]?.[place] ?? Number.NaN))),
  );
  return {
    accuracy: Number((right / labels.length).toFixed(4)),
    'answers changed': changed,
    'largest difference of a logit': Number(Math.max(...differences).toPrecision(2)),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
await startEngine(options.engine as EngineName, { threads: 0 });
const lessons = await examplesOf(drawings.rawdata, 2);
const exam = await examplesOf([...drawings.seen, ...drawings.unseen], 1);
const network = networkOf(train(lessons));
const own = ask(network, exam.pixels);
type Row = { format: string; weights: (typeof weightTypes)[number]; MB: number } & ReturnType<typeof compare>;
const stored = [...network.weights.values()].reduce((sum, { values }) => sum + 4 * values.length, 0);
const rows: Row[] = [
  { format: 'bat-sup itself', weights: 'float32', MB: stored / 1e6, ...compare(own, own, exam.labels) },
];
for (const [name, format] of Object.entries(formats)) {
  for (const weights of format.weights ?? (['float32'] as const)) {
    const file = join(folder, weights, format.output);
    await exportNetwork(network, format, file, { weights, preprocessing: 'inside' });
    const theirs = await askExported(name, file, exam.pixels, folder);
    rows.push({
      format: name,
      weights,
      MB: (await bytesOf(file)) / 1e6,
      ...compare(own, theirs, exam.labels),
    });
  }
}
rmSync(folder, { recursive: true });
const rounded = rows.map((row) => ({ ...row, MB: Number(row.MB.toFixed(1)) }));
if (options.json)
  console.log(JSON.stringify({ bench: 'formats', pictures: exam.labels.length, rows: rounded }));
else console.table(rounded);
