/**
 * Training speed of the article's network: our engines, PyTorch and Keras.
 *
 * npm run bench -- train [--batch 10] [--threads 0] [--engines native,wasm,cpu] [--precision float32]
 *   [--against pytorch,keras] [--pytorch-python python] [--keras-python python] [--rounds 7] [--json]
 *
 * Everyone takes whole training steps (forward, backward, Adam) on uint8 pictures in memory, in a process of their own.
 * Rounds alternate. --threads 0 leaves the number of threads to each framework.
 */
import { fileURLToPath } from 'node:url';
import { type EngineName, EngineUnavailable, engineNames, startEngine } from '../src/engine/index.ts';
import { type Packages, pythonScript, pythonWith } from './against/python.ts';
import { articleTraining } from './inputs/article_training.ts';
import { type Conversation, converse, startConversation } from './measure/conversation.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { peakMebibytes } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  batch: 10,
  threads: 0,
  precision: 'float32' as 'float32' | 'bf16',
  rounds: 7,
  engines: [...engineNames] as EngineName[],
  against: [] as string[],
  'pytorch-python': '',
  'keras-python': '',
});
const secondsPerRound = 2;

/** Pictures per second on the article's GeForce 930M: 7,620 pictures x 300 epochs in 8 hours. */
const articleRate = (7620 * 300) / (8 * 3600);

/** What some training steps took, all together. */
interface Steps {
  count: number;
  milliseconds: number;
  peakMebibytes: number;
}

interface Description {
  description: string;
  /** Why the engine cannot run here. */
  failed?: string;
  /** The first step of an engine that is too slow for more. */
  slow?: Steps;
}

interface Contestant extends Conversation<Description, Omit<Steps, 'count'>> {
  name: string;
}

async function measureEngine(name: EngineName): Promise<void> {
  const { threads, precision } = options;
  const { description } = await startEngine(name, { threads, precision });
  const { startStep } = articleTraining(options.batch);
  const take = (count: number): Steps => {
    const before = performance.now();
    let read: (() => unknown) | undefined;
    for (let i = 0; i < count; i++) {
      const next = startStep();
      read?.();
      read = next;
    }
    read?.();
    return { count, milliseconds: performance.now() - before, peakMebibytes: peakMebibytes() };
  };
  const first = take(1);
  const slow = first.milliseconds > 10_000 ? first : undefined;
  await converse({ description, slow }, (count) => take(Number(count)));
}

async function startOurs(name: EngineName): Promise<Contestant> {
  const own = ['--import', 'tsx', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const environment = { ...process.env, BENCH_TASK: JSON.stringify(name) };
  return { name, ...(await startConversation([process.execPath, ...own], environment)) };
}

const rivals: Record<string, [packages: Packages & ('pytorch' | 'keras'), ...args: string[]][]> = {
  pytorch: [['pytorch']],
  keras: [['keras'], ['keras', 'jit']],
};

async function startRivals(name: string): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const [packages, ...args] of rivals[name] ?? []) {
    const python = pythonWith(packages, options[`${packages}-python`]);
    const command = pythonScript(python, `network_${packages}.py`, options.batch, options.threads, ...args);
    contestants.push({ name: [packages, ...args].join(' '), ...(await startConversation(command)) });
  }
  return contestants;
}

/** Pictures per second. */
function rate({ count, milliseconds }: Steps): number {
  return (count * options.batch * 1000) / milliseconds;
}

async function compare(): Promise<void> {
  const contestants: Contestant[] = [];
  for (const name of options.engines) {
    const one = await startOurs(name);
    if (one.description.failed) console.error(`${name}: ${one.description.failed}`);
    else contestants.push(one);
  }
  for (const name of options.against) contestants.push(...(await startRivals(name)));
  const take = async (one: Contestant, count: number) => ({ count, ...(await one.ask(count)) });
  const stepsPerRound = new Map<Contestant, number>();
  const results = await alternate(contestants, options.rounds, async (one, number) => {
    if (one.description.slow) return one.description.slow;
    if (number > 0) return take(one, stepsPerRound.get(one) as number);
    const steps = await take(one, 5);
    stepsPerRound.set(one, Math.max(3, Math.round((secondsPerRound * rate(steps)) / options.batch)));
    return steps;
  });
  for (const one of contestants) one.stop();
  report('train', options, { batchSize: options.batch, contestants: rowsOf(results) });
}

function rowsOf(results: Map<Contestant, Steps[]>) {
  const medians = [...results.values()].map((rounds) => median(rounds.map(rate)));
  return [...results].map(([{ name, description }, rounds], index) => {
    const typical = medians[index] as number;
    return {
      name,
      description: description.description,
      'img/s': round(typical, 1),
      min: round(Math.min(...rounds.map(rate)), 1),
      max: round(Math.max(...rounds.map(rate)), 1),
      'ms/step': round((options.batch * 1000) / typical, 1),
      'x first': round(typical / (medians[0] as number), 2),
      'x article GPU': round(typical / articleRate, 2),
      'peak MiB': Math.round(Math.max(...rounds.map((steps) => steps.peakMebibytes))),
    };
  });
}

const engine = taskOfChild<EngineName>();
if (engine) {
  await measureEngine(engine).catch((error) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    console.log(JSON.stringify({ failed: error.message }));
  });
} else {
  await compare();
}
