/**
 * Time to compute a pre-trained network's answers for decoded pictures: our engines, ONNX Runtime, PyTorch, TensorFlow.js.
 *
 * npm run bench -- backbone [--network efficientnet-lite0] [--batch 16] [--threads 1,2] [--rounds 7]
 *   [--engines native,wasm] [--against onnxruntime,pytorch,pytorch-compiled,tfjs,onnxruntime-web]
 *   [--pytorch-python python] [--onnxruntime-python python] [--json]
 *
 * All take the same weights (the installed backbone's, else random ones) and float32 pictures in memory to logits, in a
 * process of their own; rounds alternate. The answers are compared first. PyTorch runs channels_last in inference mode.
 * cpu ms is processor time per picture, of all threads: on a busy machine it says more. Where the threads of a rival wait
 * for each other by spinning, it counts that too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBackbone } from '../src/backbones/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { exportNetwork } from '../src/formats/export.ts';
import { formats, type Network } from '../src/formats/index.ts';
import { fold } from '../src/inference/fold.ts';
import { createFoldedModel } from '../src/inference/model.ts';
import type { LayerSummary } from '../src/layers/index.ts';
import type { ArchitectureName } from '../src/models/index.ts';
import { sizeOf } from '../src/tensors/shape.ts';
import { tf } from '../src/tensors/tf.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { networkOf } from '../test/helpers/network.ts';
import { startOnnxRuntimeWeb } from './against/backbone_onnxruntime_web.ts';
import { startTfjs } from './against/backbone_tfjs.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { backbonePictures } from './inputs/backbone_pictures.ts';
import { type Conversation, converse, startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { type Spent, timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  network: 'efficientnet-lite0',
  batch: 16,
  threads: [1, 2],
  rounds: 7,
  engines: ['native', 'wasm'],
  against: ['onnxruntime', 'pytorch', 'pytorch-compiled', 'tfjs', 'onnxruntime-web'],
  'pytorch-python': '',
  'onnxruntime-python': '',
});

/** Milliseconds per round, at least. */
const roundLength = 1000;
const side = { 'efficientnet-lite1': 240, 'efficientnet-lite2': 260 }[options.network] ?? 224;

const pictures = backbonePictures(options.batch, side);

/** What a contestant says first: its logits for the batch. */
interface Description {
  logits: number[];
}

interface Task {
  contestant: string;
  threads: number;
  /** With pictures.bin, network.json, weights.bin and model.onnx. */
  folder: string;
}

type Contestant = Conversation<Description, Spent> & { name: string; threads: number };

async function network(): Promise<Network> {
  const classes = Array.from({ length: 1000 }, (_, index) => `class ${index}`);
  const sizes = { width: side, height: side, channels: 3 as const, classes };
  return (
    (await findBackbone(options.network)) ??
    networkOf({ architecture: options.network as ArchitectureName, ...sizes })
  );
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Writes what contestants in other languages read. */
async function writeInputs(folder: string): Promise<void> {
  const engine = await startEngine('wasm', { threads: 1 });
  const made = await network();
  const onnx = formats.onnx as (typeof formats)[string];
  await exportNetwork(made, onnx, join(folder, 'model.onnx'), {
    weights: 'float32',
    preprocessing: 'outside',
  });
  await engine.dispose();
  const { layers, weights } = made;
  const tensors = [...weights.values()].map(({ name, shape }) => ({ name, shape }));
  writeFileSync(
    join(folder, 'network.json'),
    JSON.stringify({ layers, tensors, batch: options.batch, side }),
  );
  writeFileSync(
    join(folder, 'weights.bin'),
    Buffer.concat([...weights.values()].map(({ values }) => bytesOf(values))),
  );
  writeFileSync(join(folder, 'pictures.bin'), bytesOf(pictures.values));
}

/** Answers with its logits, then with what each number of batches takes. */
async function answer(compute: () => Promise<Float32Array>): Promise<void> {
  const logits = [...(await compute())];
  await converse({ logits }, (count) =>
    timed(async () => {
      for (let i = 0; i < Number(count); i++) await compute();
    }),
  );
}

/** The network that writeInputs has written. */
function readNetwork(folder: string): { layers: LayerSummary[]; weights: Map<string, Float32Array> } {
  const { layers, tensors } = JSON.parse(readFileSync(join(folder, 'network.json'), 'utf8'));
  const { buffer } = Uint8Array.from(readFileSync(join(folder, 'weights.bin')));
  let offset = 0;
  const weights = (tensors as { name: string; shape: number[] }[]).map(({ name, shape }) => {
    const values = new Float32Array(buffer, offset, sizeOf(shape));
    offset += values.byteLength;
    return [name, values] as const;
  });
  return { layers, weights: new Map(weights) };
}

async function startOurs(engine: EngineName, threads: number, folder: string) {
  await startEngine(engine, { threads });
  const model = createFoldedModel(readNetwork(folder));
  const input = tf.tensor4d(pictures.values, pictures.shape);
  return async () => {
    const logits = model.forward(input);
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    return values;
  };
}

async function answerAs({ contestant, threads, folder }: Task): Promise<void> {
  const { layers, weights } = readNetwork(folder);
  if (contestant === 'tfjs') return answer(await startTfjs(fold(layers, weights), pictures, threads));
  if (contestant === 'onnxruntime-web')
    return answer(await startOnnxRuntimeWeb(join(folder, 'model.onnx'), pictures, threads));
  return answer(await startOurs(contestant as EngineName, threads, folder));
}

const inPython: Record<string, [packages: 'pytorch' | 'onnxruntime', ...args: string[]]> = {
  onnxruntime: ['onnxruntime'],
  pytorch: ['pytorch'],
  'pytorch-compiled': ['pytorch', 'compiled'],
};

async function start(task: Task): Promise<Contestant> {
  const { contestant: name, threads, folder } = task;
  const [packages, ...args] = inPython[name] ?? [];
  if (packages) {
    const python = pythonWith(packages, options[`${packages}-python`]);
    const command = pythonScript(python, `backbone_${packages}.py`, folder, threads, ...args);
    const environment = { ...process.env, OMP_NUM_THREADS: String(threads) };
    return { name, threads, ...(await startConversation(command, environment)) };
  }
  const command = [
    process.execPath,
    '--import',
    'tsx',
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ];
  return {
    name,
    threads,
    ...(await startConversation(command, { ...process.env, BENCH_TASK: JSON.stringify(task) })),
  };
}

/** The largest difference of the logits from those of the first contestant, as a share of their spread. */
function differenceFrom(first: number[], { description: { logits } }: Contestant): number {
  const spread = Math.max(...first.slice(0, 1000)) - Math.min(...first.slice(0, 1000));
  let largest = first.length === logits.length ? 0 : Number.NaN;
  for (const [index, value] of first.entries())
    largest = Math.max(largest, Math.abs(value - (logits[index] as number)) / spread);
  return largest;
}

async function compareWith(threads: number, folder: string) {
  const contestants: Contestant[] = [];
  for (const contestant of [...options.engines, ...options.against])
    contestants.push(await start({ contestant, threads, folder }));
  const first = contestants[0]?.description.logits ?? [];
  const counts = new Map<Contestant, number>();
  const results = await alternate(contestants, options.rounds, async (one, number) => {
    const count = number === 0 ? 1 : (counts.get(one) as number);
    const { wall, cpu } = await one.ask(count);
    if (number === 0) counts.set(one, Math.max(1, Math.round(roundLength / wall)));
    const pictures = count * options.batch;
    return { wall: wall / pictures, cpu: cpu / pictures };
  });
  for (const one of contestants) one.stop();
  const typical = (of: 'wall' | 'cpu') =>
    [...results.values()].map((rounds) => median(rounds.map((r) => r[of])));
  const [walls, cpus] = [typical('wall'), typical('cpu')] as [number[], number[]];
  return contestants.map((one, index) => ({
    name: one.name,
    threads,
    'ms/picture': round(walls[index] as number, 2),
    'x first': round((walls[index] as number) / (walls[0] as number), 2),
    'cpu ms': round(cpus[index] as number, 2),
    'cpu x first': round((cpus[index] as number) / (cpus[0] as number), 2),
    difference: Number(differenceFrom(first, one).toExponential(1)),
  }));
}

const task = taskOfChild<Task>();
if (task) await answerAs(task);
else {
  const folder = temporaryFolder();
  await writeInputs(folder);
  const rows = [];
  for (const threads of options.threads) rows.push(...(await compareWith(threads, folder)));
  const wrong = rows.filter(({ difference }) => !(difference < 1e-4)).map(({ name }) => name);
  report('backbone', options, { network: options.network, batch: options.batch, contestants: rows });
  if (wrong.length > 0)
    throw new Error(`${wrong.join(', ')}: the answers differ from those of ${rows[0]?.name}.`);
}
