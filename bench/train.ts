/**
 * Training speed of the article's network, per engine: npm run bench -- train [--batch 10] [--threads 2] [--json]
 * Each engine that runs here takes whole training steps (forward, backward, Adam) on random pictures, in
 * rounds that alternate between the engines, so that a machine whose speed drifts drifts for all of them.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type EngineName, EngineUnavailable, engineNames, startEngine } from '../src/engine/index.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { trainStep } from '../src/training/step.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '10' },
    threads: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '5' },
    engines: { type: 'string', default: engineNames.join(',') },
    json: { type: 'boolean', default: false },
  },
});
const batchSize = Number(options.batch);

/** GeForce 930M, 7,620 pictures x 300 epochs in 8 hours, as the article tells. */
const articleRate = (7620 * 300) / (8 * 3600);

interface Round {
  engine: EngineName;
  description: string;
  rates: number[];
  peakMebibytes: number;
}

function peakMebibytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

/** In a process of its own: answers each message with the img/s of one round of steps. */
async function measureEngine(name: EngineName): Promise<void> {
  const engine = await startEngine(name, { threads: Number(options.threads) });
  const classes = ['bat', 'sup'];
  const model = createModel({ architecture: 'article', width: 100, height: 100, channels: 3, classes });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batchSize * 100 * 100 * 3 }, (_, index) => (index * 7919) % 256);
  const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
  let step = 0;
  const round = (steps: number) => {
    const before = performance.now();
    for (let i = 0; i < steps; i++)
      trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate: 1e-4 });
    return (steps * batchSize * 1000) / (performance.now() - before);
  };
  const warm = round(1);
  if (warm < 1) {
    // Minutes a step: once tells enough.
    process.send?.({
      slow: true,
      rate: warm,
      description: engine.description,
      peakMebibytes: peakMebibytes(),
    });
    process.disconnect();
    return;
  }
  const steps = Math.max(1, Math.round((warm * 3) / batchSize));
  process.on('message', () => {
    const rate = round(steps);
    process.send?.({
      rate,
      description: engine.description,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
    });
  });
  process.send?.({ ready: true });
}

type Message = { slow?: true; failed?: string; rate: number; description: string; peakMebibytes: number };

async function compareEngines(): Promise<void> {
  const rounds: Round[] = [];
  const children = new Map<EngineName, ReturnType<typeof fork>>();
  for (const name of options.engines.split(',') as EngineName[]) {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, BENCH_ENGINE: name },
      execArgv: ['--import', 'tsx'],
    });
    const first = await nextMessage(child);
    if (first.failed) console.error(`${name}: ${first.failed}`);
    else if (first.slow) rounds.push({ ...first, engine: name, rates: [first.rate] });
    else children.set(name, child);
  }
  for (let count = 0; count < Number(options.rounds); count++) {
    for (const [engine, child] of children) {
      child.send('round');
      const { rate, description, peakMebibytes } = await nextMessage(child);
      const known = rounds.find((round) => round.engine === engine);
      if (known) Object.assign(known, { rates: [...known.rates, rate], peakMebibytes });
      else rounds.push({ engine, description, rates: [rate], peakMebibytes });
    }
  }
  for (const child of children.values()) child.kill();
  print(rounds);
}

function nextMessage(child: ReturnType<typeof fork>): Promise<Message> {
  return new Promise((resolve) => child.once('message', (message) => resolve(message as Message)));
}

function print(rounds: Round[]): void {
  const rows = rounds.map(({ engine, description, rates, peakMebibytes }) => {
    const sorted = [...rates].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] as number;
    return {
      engine,
      description,
      'img/s': Number(median.toFixed(1)),
      min: Number(sorted[0]?.toFixed(1)),
      max: Number(sorted.at(-1)?.toFixed(1)),
      'ms/step': Number(((batchSize * 1000) / median).toFixed(1)),
      'x article GPU': Number((median / articleRate).toFixed(2)),
      'peak MiB': Math.round(peakMebibytes),
    };
  });
  if (options.json) console.log(JSON.stringify({ bench: 'train', batchSize, engines: rows }));
  else console.table(rows);
}

const own = process.env.BENCH_ENGINE as EngineName | undefined;
if (own) {
  await measureEngine(own).catch((error) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    process.send?.({ failed: error.message });
    process.disconnect();
  });
} else {
  await compareEngines();
}
