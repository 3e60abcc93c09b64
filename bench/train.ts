/**
 * Training speed of the article's network:
 * npm run bench -- train [--batch 10] [--threads 2] [--engines native,wasm] [--against pytorch,keras] [--json]
 * Each contestant takes whole training steps (forward, backward, Adam) on uint8 pictures in memory, in a process of
 * its own and in rounds that alternate, so that a machine whose speed drifts drifts for all of them.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type EngineName, EngineUnavailable, engineNames, startEngine } from '../src/engine/index.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';
import { pythonWith, startScript } from './against/python.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '10' },
    threads: { type: 'string', default: '0' },
    precision: { type: 'string', default: 'float32' },
    rounds: { type: 'string', default: '7' },
    engines: { type: 'string', default: engineNames.join(',') },
    against: { type: 'string', default: '' },
    'pytorch-python': { type: 'string' },
    'keras-python': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const batchSize = Number(options.batch);
const secondsOfRound = 2;

/** GeForce 930M, 7,620 pictures x 300 epochs in 8 hours, as the article tells. */
const articleRate = (7620 * 300) / (8 * 3600);

interface Round {
  /** Of all the steps. */
  milliseconds: number;
  peakMebibytes: number;
}

interface Contestant {
  name: string;
  description: string;
  /** Minutes a step: once tells enough, and it has been once. */
  slow?: Round;
  round(steps: number): Promise<Round>;
  stop(): void;
}

/** In a process of its own: answers each message with the time of so many steps. */
async function measureEngine(name: EngineName): Promise<void> {
  const engine = await startEngine(name, {
    threads: Number(options.threads),
    precision: options.precision as 'float32' | 'bf16',
  });
  const classes = ['bat', 'sup'];
  const model = createModel({ architecture: 'article', width: 100, height: 100, channels: 3, classes });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batchSize * 100 * 100 * 3 }, (_, index) => (index * 7919) % 256);
  const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
  let step = 0;
  const round = (steps: number): Round => {
    const before = performance.now();
    let read: (() => unknown) | undefined;
    for (let i = 0; i < steps; i++) {
      const next = trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate: 1e-4 });
      read?.();
      read = next;
    }
    read?.();
    return {
      milliseconds: performance.now() - before,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
    };
  };
  const first = round(1);
  const { description } = engine;
  if (first.milliseconds > 10_000) return finish({ description, slow: first });
  process.on('message', (steps) => process.send?.(round(Number(steps))));
  process.send?.({ description });
}

function finish(message: unknown): void {
  process.send?.(message);
  process.disconnect();
}

async function startOurs(name: EngineName): Promise<Contestant | undefined> {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
    env: { ...process.env, BENCH_ENGINE: name },
    execArgv: ['--import', 'tsx'],
  });
  const next = <T>() =>
    new Promise<T>((resolve) => child.once('message', (message) => resolve(message as T)));
  const first = await next<{ failed?: string; description: string; slow?: Round }>();
  if (first.failed) {
    console.error(`${name}: ${first.failed}`);
    return undefined;
  }
  const round = (steps: number) => {
    child.send(steps);
    return next<Round>();
  };
  return { name, ...first, round, stop: () => child.kill() };
}

type Rival = { packages: 'pytorch' | 'keras'; script: string; args: string[] };

const rivals: Record<string, Rival[]> = {
  pytorch: [{ packages: 'pytorch', script: 'network_pytorch.py', args: [] }],
  keras: [
    { packages: 'keras', script: 'network_keras.py', args: [] },
    { packages: 'keras', script: 'network_keras.py', args: ['jit'] },
  ],
};

async function startRival({ packages, script, args }: Rival): Promise<Contestant> {
  const python = pythonWith(options[`${packages}-python`], packages);
  const running = startScript(python, script, [String(batchSize), options.threads, ...args]);
  const { description } = await running.next();
  const round = (steps: number) => running.ask(String(steps));
  return { name: [packages, ...args].join(' '), description, round, stop: running.stop };
}

async function compare(): Promise<void> {
  const ours = options.engines.split(',').filter(Boolean) as EngineName[];
  const theirs = options.against.split(',').flatMap((name) => rivals[name] ?? []);
  const contestants: Contestant[] = [];
  for (const name of ours) contestants.push(...[await startOurs(name)].filter((one) => one !== undefined));
  for (const rival of theirs) contestants.push(await startRival(rival));
  const results = new Map(contestants.map((one) => [one, [] as { rate: number; peak: number }[]]));
  const rate = (steps: number, round: Round) => (steps * batchSize * 1000) / round.milliseconds;
  const stepsOf = new Map<Contestant, number>();
  for (const one of contestants) {
    if (one.slow) results.get(one)?.push({ rate: rate(1, one.slow), peak: one.slow.peakMebibytes });
    else
      stepsOf.set(one, Math.max(3, Math.round((secondsOfRound * rate(5, await one.round(5))) / batchSize)));
  }
  for (let count = 0; count < Number(options.rounds); count++) {
    for (const [one, steps] of stepsOf) {
      const round = await one.round(steps);
      results.get(one)?.push({ rate: rate(steps, round), peak: round.peakMebibytes });
    }
  }
  for (const one of contestants) one.stop();
  print(results);
}

function print(results: Map<Contestant, { rate: number; peak: number }[]>): void {
  const medians = [...results.values()].map((rounds) => median(rounds.map(({ rate }) => rate)));
  const rows = [...results].map(([{ name, description }, rounds], index) => {
    const rates = rounds.map(({ rate }) => rate);
    const typical = medians[index] as number;
    return {
      name,
      description,
      'img/s': Number(typical.toFixed(1)),
      min: Number(Math.min(...rates).toFixed(1)),
      max: Number(Math.max(...rates).toFixed(1)),
      'ms/step': Number(((batchSize * 1000) / typical).toFixed(1)),
      'x first': Number((typical / (medians[0] as number)).toFixed(2)),
      'x article GPU': Number((typical / articleRate).toFixed(2)),
      'peak MiB': Math.round(Math.max(...rounds.map(({ peak }) => peak))),
    };
  });
  if (options.json) console.log(JSON.stringify({ bench: 'train', batchSize, contestants: rows }));
  else console.table(rows);
}

const own = process.env.BENCH_ENGINE as EngineName | undefined;
if (own) {
  await measureEngine(own).catch((error) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    finish({ failed: error.message });
  });
} else {
  await compare();
}
