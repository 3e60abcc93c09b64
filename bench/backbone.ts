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
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBackbone } from '../src/backbones/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { exportNetwork } from '../src/formats/export.ts';
import { formats, type Network } from '../src/formats/index.ts';
import { valuesOf } from '../src/formats/network.ts';
import { fold, type Step } from '../src/inference/fold.ts';
import { createFoldedModel } from '../src/inference/model.ts';
import type { ArchitectureName } from '../src/models/index.ts';
import { tf } from '../src/tensors/tf.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { evenly, networkOf } from '../test/helpers/network.ts';
import { pythonScript, pythonWith } from './against/python.ts';
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

/** Random input, as far from 0 as normalised pixels; float32 [batch, height, width, 3]. */
function pictures(): Float32Array {
  const random = evenly(11);
  const size = options.batch * side * side * 3;
  return Float32Array.from({ length: size }, () => 2 * (random.next().value as number) - 1);
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
  writeFileSync(join(folder, 'pictures.bin'), bytesOf(pictures()));
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

async function answerOurs(engine: EngineName, threads: number): Promise<void> {
  await startEngine(engine, { threads });
  const made = await network();
  const model = createFoldedModel({ layers: made.layers, weights: valuesOf(made) });
  const input = tf.tensor4d(pictures(), [options.batch, side, side, 3]);
  await answer(async () => {
    const logits = model.forward(input);
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    return values;
  });
}

/** TensorFlow.js as its converter would leave the network: folded, with the activations that its kernels have. */
async function answerTfjs(threads: number): Promise<void> {
  const { setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setThreadsCount(threads);
  setWasmPaths(`${join(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'), '..')}/`);
  await tf.setBackend('wasm');
  const ops = await import('@tensorflow/tfjs-core');
  const engine = await startEngine('cpu', { threads: 1 });
  const made = await network();
  await engine.dispose();
  await tf.setBackend('wasm');
  const steps = fold(made.layers, valuesOf(made));
  const variables = steps.map((step) =>
    Object.fromEntries(
      Object.entries(step.variables).map(([name, { values, shape }]) => [name, tf.tensor(values, shape)]),
    ),
  );
  const compute = (step: Step, { weights, biases }: Record<string, tf.Tensor>, x: tf.Tensor): tf.Tensor => {
    const { stride, padding } = step.attributes as { stride: number; padding: 'same' };
    const activation = (step.activation?.function ?? 'linear') as 'relu6';
    const filter = weights as tf.Tensor4D;
    const common = {
      x: x as tf.Tensor4D,
      filter,
      bias: biases as tf.Tensor,
      strides: stride,
      pad: padding,
      activation,
    };
    if (step.kind === 'conv') return ops.fused.conv2d(common as Parameters<typeof ops.fused.conv2d>[0]);
    if (step.kind === 'depthwiseConv') return ops.fused.depthwiseConv2d(common);
    if (step.kind === 'globalAveragePool') return tf.mean(x, [1, 2]);
    return tf.add(tf.matMul(x as tf.Tensor2D, weights as tf.Tensor2D), biases as tf.Tensor);
  };
  const input = tf.tensor4d(pictures(), [options.batch, side, side, 3]);
  await answer(async () => {
    const logits = tf.tidy(() => {
      const outputs = new Map<string, tf.Tensor>();
      let output: tf.Tensor = input;
      for (const [index, step] of steps.entries()) {
        output = compute(step, variables[index] ?? {}, outputs.get(step.inputs[0] ?? '') ?? input);
        if (step.residual) output = tf.add(output, outputs.get(step.residual) as tf.Tensor);
        outputs.set(step.name, output);
      }
      return output;
    });
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    return values;
  });
}

/** The part of onnxruntime-web that is used. */
interface OrtWeb {
  env: { wasm: { numThreads: number } };
  Tensor: new (type: 'float32', values: Float32Array, shape: number[]) => unknown;
  InferenceSession: {
    create(file: Uint8Array): Promise<{
      inputNames: string[];
      outputNames: string[];
      run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
    }>;
  };
}

const ortWebVersion = '1.30.0';

/** onnxruntime-web, installed once for the benchmarks. */
async function importOrtWeb(): Promise<OrtWeb> {
  const prefix = fileURLToPath(new URL('../.cache/bench-npm/', import.meta.url));
  const folder = join(prefix, 'node_modules/onnxruntime-web');
  if (!existsSync(folder)) {
    mkdirSync(prefix, { recursive: true });
    const quiet = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
    execFileSync('npm', ['install', '--prefix', prefix, ...quiet, `onnxruntime-web@${ortWebVersion}`], {
      stdio: ['ignore', 2, 2],
    });
  }
  return createRequire(join(prefix, 'package.json'))('onnxruntime-web') as OrtWeb;
}

/** [batch, height, width, 3] -> [batch, 3, height, width] */
function channelsFirst(values: Float32Array): Float32Array {
  const pixels = side * side;
  const moved = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const picture = Math.floor(i / (3 * pixels));
    const within = i - picture * 3 * pixels;
    moved[picture * 3 * pixels + (within % 3) * pixels + Math.floor(within / 3)] = values[i] as number;
  }
  return moved;
}

async function answerOrtWeb(threads: number, folder: string): Promise<void> {
  const { env, InferenceSession, Tensor } = await importOrtWeb();
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(readFileSync(join(folder, 'model.onnx')));
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  const feeds = { [input]: new Tensor('float32', channelsFirst(pictures()), [options.batch, 3, side, side]) };
  await answer(async () => ((await session.run(feeds))[output] as { data: Float32Array }).data);
}

function answerAs({ contestant, threads, folder }: Task): Promise<void> {
  if (contestant === 'tfjs') return answerTfjs(threads);
  if (contestant === 'onnxruntime-web') return answerOrtWeb(threads, folder);
  return answerOurs(contestant as EngineName, threads);
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
