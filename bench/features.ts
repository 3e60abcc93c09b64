/**
 * Speed of EfficientNet-Lite0 at 224 x 224: our engines, TensorFlow.js's own WebAssembly backend and ONNX Runtime Web.
 *
 * npm run bench -- features [--batch 1] [--threads 1] [--rounds 15] [--engines native,wasm] [--against tfjs]
 *   [--onnxruntime-web <folder>] [--json]
 *
 * The same weights and pictures for everyone, from preprocessed pictures in memory to logits, each in a process of its own.
 * Rounds alternate; medians. CPU milliseconds are those of all threads, and count where the machine is busy otherwise.
 * --onnxruntime-web: a folder in which "npm install onnxruntime-web" was run. --threads 0: as many as each takes by itself.
 */
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { createFoldedModel } from '../src/inference/model.ts';
import { tf } from '../src/tensors/tf.ts';
import { startOnnxRuntimeWeb } from './against/features_onnxruntime_web.ts';
import { startTfjs } from './against/features_tfjs.ts';
import { liteNetwork, litePictures, valuesOf } from './inputs/lite_network.ts';
import { type Conversation, converse, startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { type Spent, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  batch: 1,
  threads: 1,
  rounds: 15,
  engines: ['native', 'wasm'] as EngineName[],
  against: ['tfjs'],
  'onnxruntime-web': '',
});
const { batch, threads } = options;
const picturesPerRound = Math.max(8, batch);

interface Description {
  description: string;
  logits: number[];
}

async function startOurs(engine: EngineName) {
  const { description } = await startEngine(engine, { threads });
  const network = liteNetwork();
  const model = createFoldedModel({ layers: network.layers, weights: valuesOf(network) });
  const { shape, values } = litePictures(batch);
  const run = async () => {
    const pictures = tf.tensor4d(values, shape);
    const logits = model.forward(pictures);
    const result = (await logits.data()) as Float32Array;
    tf.dispose([pictures, logits]);
    return result;
  };
  return { description, run };
}

async function start(name: string) {
  if (name === 'tfjs') return { description: "TensorFlow.js's own", run: await startTfjs(batch, threads) };
  if (name !== 'onnxruntime-web') return startOurs(name as EngineName);
  const run = await startOnnxRuntimeWeb(options['onnxruntime-web'], batch, threads);
  return { description: 'ONNX Runtime Web', run };
}

async function contend(name: string): Promise<void> {
  const { description, run } = await start(name);
  const logits = [...(await run())];
  const pictures = Math.ceil(picturesPerRound / batch) * batch;
  const measure = async (): Promise<Spent> => {
    const { wall, cpu } = await timed(async () => {
      for (let done = 0; done < pictures; done += batch) await run();
    });
    return { wall: wall / pictures, cpu: cpu / pictures };
  };
  await measure(); // the engines compile what runs often
  await converse({ description, logits } satisfies Description, measure);
}

interface Contestant extends Conversation<Description, Spent> {
  name: string;
}

async function startContestant(name: string): Promise<Contestant> {
  const own = ['--import', 'tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const environment = { ...process.env, BENCH_TASK: JSON.stringify(name) };
  return { name, ...(await startConversation([process.execPath, ...own], environment)) };
}

/** The largest difference between two lists of numbers, as a share of the largest number. */
function difference(some: number[], others: number[]): number {
  const differences = some.map((value, index) => Math.abs(value - (others[index] ?? Number.NaN)));
  return Math.max(...differences) / Math.max(...some.map(Math.abs));
}

async function compare() {
  const names = [
    ...options.engines,
    ...options.against,
    ...(options['onnxruntime-web'] ? ['onnxruntime-web'] : []),
  ];
  const contestants: Contestant[] = [];
  for (const name of names) contestants.push(await startContestant(name));
  const results = await alternate(contestants, options.rounds, ({ ask }) => ask('measure'));
  for (const { stop } of contestants) stop();
  const rows = [...results].map(([{ name, description }, spent]) => ({
    name,
    runs: description.description,
    ms: median(spent.map(({ wall }) => wall)),
    cpu: median(spent.map(({ cpu }) => cpu)),
    logits: description.logits,
  }));
  const ours = rows.find(({ name }) => name === 'wasm') ?? rows[0];
  return rows.map(({ name, runs, ms, cpu, logits }) => ({
    name,
    runs,
    'ms a picture': round(ms, 1),
    'CPU ms': round(cpu, 1),
    'x wasm': round(ms / (ours?.ms ?? 0), 2),
    'x wasm, CPU': round(cpu / (ours?.cpu ?? 0), 2),
    'logits differ': difference(ours?.logits ?? [], logits).toExponential(0),
  }));
}

const task = taskOfChild<string>();
if (task) await contend(task);
else report('features', options, { node: process.version, batch, threads, features: await compare() });
