/**
 * Accuracy of every export format with its weights in 32, 16 and 8 bits.
 *
 * npm run bench -- formats [--epochs 4] [--engine native] [--python .cache/python/bin/python] [--json]
 *
 * The article's network is trained on the demo's drawings, exported in every format, and evaluated by the format's own
 * runtime on drawings by a designer whom the network has never seen. ONNX Runtime, LiteRT and Keras run through the
 * scripts of the tests, with the Python that `npm run test:all` sets up. TensorFlow.js, safetensors and TensorFlow's
 * graphs turn their weights into float32 before use, so bat-sup imports these again.
 */
import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { exportNetwork } from '../src/formats/export.ts';
import { importNetwork } from '../src/formats/import.ts';
import { formats, type Network, type weightTypes } from '../src/formats/index.ts';
import type { Model } from '../src/models/model.ts';
import { ownPreprocessing } from '../src/models/preprocessing.ts';
import { bytesBelow } from '../src/system/files.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { compare, logitsOf } from '../test/helpers/network.ts';
import { python } from '../test/helpers/python.ts';
import { description, drawings, examplesOf, trainOnDrawings } from './inputs/drawings.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { round } from './measure/statistics.ts';

const options = readOptions({ epochs: 4, engine: 'native' as EngineName, python });
const folder = temporaryFolder();

function networkOf({ variables, layers }: Model): Network {
  const weights: Network['weights'] = new Map();
  for (const [name, variable] of variables)
    weights.set(name, { name, shape: variable.shape, values: variable.dataSync() as Float32Array });
  const preprocessing = { fit: 'fill', scale: ownPreprocessing.scale } as const;
  return { model: description, preprocessing, layers, weights, temperature: 1 };
}

/** The logits of an exported file, computed by its own runtime where there is one. */
async function logitsOfFile(format: string, file: string, pixels: Uint8Array): Promise<number[][]> {
  if (!['onnx', 'tflite', 'keras'].includes(format))
    return logitsOf((await importNetwork(file)).network, pixels);
  const pixelFile = join(folder, 'pixels');
  writeFileSync(pixelFile, pixels);
  const { height, width, channels } = description;
  const task = { file, pixels: pixelFile, shape: [-1, height, width, channels], scale: null };
  writeFileSync(join(folder, 'tasks.json'), JSON.stringify([task]));
  const script = fileURLToPath(new URL(`../test/formats/${format}/run.py`, import.meta.url));
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

const predicted = (logits: number[]) => logits.indexOf(Math.max(...logits));

await startEngine(options.engine, { threads: 0 });
const { model } = trainOnDrawings(await examplesOf(drawings.training, 2), {
  epochs: options.epochs,
  seed: 1,
});
const network = networkOf(model);
const evaluationSet = await examplesOf(drawings.heldOut, 1);
const pixels = Buffer.concat(evaluationSet.map((example) => example.pixels));
const own = logitsOf(network, pixels);

function figuresOf(logits: number[][]) {
  const correct = logits.filter((row, index) => predicted(row) === evaluationSet[index]?.label).length;
  const changed = logits.filter((row, index) => predicted(row) !== predicted(own[index] as number[])).length;
  return {
    accuracy: round(correct / evaluationSet.length, 4),
    'predictions changed': changed,
    'largest difference of a logit': Number(compare(own, logits).difference.toPrecision(2)),
  };
}

type Row = { format: string; weights: (typeof weightTypes)[number]; MB: number } & ReturnType<
  typeof figuresOf
>;
const ownBytes = [...network.weights.values()].reduce((sum, { values }) => sum + 4 * values.length, 0);
const rows: Row[] = [
  { format: 'bat-sup itself', weights: 'float32', MB: round(ownBytes / 1e6, 1), ...figuresOf(own) },
];
for (const [name, format] of Object.entries(formats)) {
  if (name === 'web') continue; // TensorFlow.js's files again, with a page that only a build has
  for (const weights of format.weights ?? (['float32'] as const)) {
    const file = join(folder, weights, format.output);
    await exportNetwork(network, format, file, { weights, preprocessing: 'inside' });
    const logits = await logitsOfFile(name, file, pixels);
    rows.push({ format: name, weights, MB: round((await bytesOf(file)) / 1e6, 1), ...figuresOf(logits) });
  }
}
report('formats', options, { pictures: evaluationSet.length, rows });
