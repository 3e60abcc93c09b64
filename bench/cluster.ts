/**
 * Cost of training on several ranks, and a model of larger clusters fitted to it.
 *
 * npm run bench -- cluster [--engines native,wasm] [--batch 10] [--links memory,10gbit,1gbit] [--rounds 5] [--json]
 *
 * Two ranks with one thread each on this machine, started by Open MPI's mpirun, train the article's network on uint8
 * pictures in memory. In each round every way to exchange gradients takes its steps in turn; 'none' exchanges nothing
 * while the other rank computes too, which is the time of computing alone. Links: 'memory', or TCP at a rate that tc
 * limits in a network namespace of its own (Linux, root).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { joinWorld, memory, type World } from '../src/cluster/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import type { Model } from '../src/models/model.ts';
import { GradientExchange } from '../src/training/exchange.ts';
import { trainStepTogether } from '../src/training/step_together.ts';
import { articleTraining } from './inputs/article_training.ts';
import { taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { peakMebibytes } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  engines: ['native', 'wasm'] as EngineName[],
  batch: 10,
  links: ['memory', '10gbit', '1gbit'],
  rounds: 5,
});
const { batch: batchSize } = options;

/** Ways to exchange gradients. Training uses 'factors' for the widest layer; 'all-reduce' treats all layers alike. */
const ways = ['none', 'factors', 'factors, bfloat16', 'all-reduce', 'all-reduce, bfloat16'] as const;
type Way = (typeof ways)[number];

interface Measured {
  ranks: number;
  /** Milliseconds per step, the median of the rounds. */
  steps: Partial<Record<Way, number>>;
  /** Milliseconds per step of each round. */
  rounds: Partial<Record<Way, number[]>>;
  /** Of rank 0. */
  peakMebibytes: number;
  /** Milliseconds of an all-reduce of 16 MiB, and of 32 bytes. */
  reduce?: { large: number; small: number };
}

function exchangeOf(way: Way, world: World, model: Model): GradientExchange {
  // Where it does not know the layers, it gathers no factors.
  const known = way.startsWith('factors') ? model : { ...model, layers: [] };
  const gradientCompression = way.endsWith('bfloat16') ? 'bfloat16' : 'off';
  return new GradientExchange({ world, model: known, settings: { batchSize, gradientCompression } });
}

/** Mean milliseconds. */
async function timeOf(times: number, work: () => unknown): Promise<number> {
  const before = performance.now();
  for (let i = 0; i < times; i++) await work();
  return (performance.now() - before) / times;
}

async function timeReduce(world: World): Promise<Measured['reduce']> {
  const [large, small] = [memory(Float32Array, 1 << 22), memory(Float64Array, 4)];
  const roundsOf = async (times: number, values: Float32Array | Float64Array) => {
    const rounds: number[] = [];
    for (let i = 0; i < 5; i++) rounds.push(await timeOf(times, () => world.allreduce(values)));
    return median(rounds);
  };
  return { large: await roundsOf(3, large), small: await roundsOf(200, small) };
}

/** Runs in each rank, or in one process alone. Rank 0 prints what it measured. */
async function measure(name: EngineName): Promise<void> {
  const world = await joinWorld();
  const engine = await startEngine(name, { threads: 1 });
  const { model, adam, batch, learningRate, startStep, nextStep } = articleTraining(batchSize);
  const measured = world ? ways : ways.slice(0, 1);
  const works = measured.map((way) => {
    if (way === 'none' || !world) return () => startStep()();
    const exchange = exchangeOf(way, world, model);
    return () =>
      trainStepTogether(model, adam, batch, { step: nextStep(), learningRate, exchange, stop: false });
  });
  const rounds = measured.map((): number[] => []);
  for (let number = 0; number <= options.rounds; number++) {
    for (const [index, work] of works.entries()) {
      await world?.barrier();
      const milliseconds = await timeOf(10, work);
      if (number > 0) rounds[index]?.push(milliseconds);
    }
  }
  const steps = Object.fromEntries(measured.map((way, index) => [way, median(rounds[index] as number[])]));
  const reduce = world && (await timeReduce(world));
  if (!world || world.rank === 0)
    console.log(
      JSON.stringify({
        ranks: world?.size ?? 1,
        steps,
        rounds: Object.fromEntries(measured.map((way, index) => [way, rounds[index]])),
        peakMebibytes: peakMebibytes(),
        ...(reduce && { reduce }),
      }),
    );
  await world?.leave();
  await engine.dispose();
}

/** The command that starts the ranks. */
function commandOf(ranks: number, link: string): string[] {
  const self = [
    process.execPath,
    '--import',
    'tsx',
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ];
  const mpirun = ['mpirun', '--allow-run-as-root', '--bind-to', 'core', '-n', String(ranks)];
  if (link === 'memory') return [...mpirun, ...self];
  const overLoopback = ['--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'lo'];
  const tcp = [...mpirun, ...overLoopback, '--mca', 'oob_tcp_if_include', 'lo', ...self];
  const [, rate, unit] = /^(\d+)(\w+)$/.exec(link) ?? [];
  // Both directions share the loopback device, unlike a cable.
  const limit = `tc qdisc add dev lo root tbf rate ${Number(rate) * 2}${unit} burst 256kb latency 100ms`;
  return ['unshare', '-n', 'sh', '-c', `ip link set lo up && ${limit} && exec "$@"`, 'sh', ...tcp];
}

function runRanks(engine: EngineName, ranks: number, link: string): Measured {
  const [program = '', ...args] = commandOf(ranks, link);
  const env = { ...process.env, BENCH_TASK: JSON.stringify(engine) };
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${engine}, ${ranks} ranks over ${link}: ${stderr.trim()}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

/** The article's widest layer, and the number of parameters in all others. */
const [inputs, outputs, otherParameters] = [13 * 13 * 64, 1024, 31_010];

/** One machine of a cluster. */
interface Machine {
  name: string;
  /** Milliseconds per step without any exchange. */
  computing: number;
  batch: number;
  /** Floating-point operations per second where factors are multiplied. */
  speed: number;
  /** Bytes per second at which gradients are computed, read from the engine, averaged and written back. */
  copying: number;
}

/**
 * Milliseconds of one step on `ranks` machines: computing, then a ring all-reduce of the small layers, and for the wide
 * layer either the same or gathering its factors and multiplying them, whichever training would choose. Assumes that
 * nothing overlaps, the worst case.
 */
function predict({ computing, batch, speed, copying }: Machine, ranks: number, link: Link) {
  const { bandwidth, latency } = link;
  const ring = (numbers: number) =>
    (2 * (ranks - 1) * 4 * numbers) / ranks / bandwidth + 2 * Math.log2(ranks) * latency;
  const others = ranks * batch - batch;
  const gathering = (4 * others * (inputs + outputs)) / bandwidth + 2 * Math.log2(ranks) * latency;
  const multiplying = (2 * others * inputs * outputs) / speed;
  const way = ranks * batch * (inputs + outputs) < inputs * outputs ? 'factors' : 'all-reduce';
  const wide =
    way === 'factors'
      ? gathering + multiplying
      : ring(inputs * outputs) + (2 * 4 * inputs * outputs) / copying;
  const narrow = computing + 1000 * ring(otherParameters);
  return { way, milliseconds: narrow + 1000 * wide, narrow };
}

interface Link {
  name: string;
  /** Bytes per second. */
  bandwidth: number;
  /** Seconds. */
  latency: number;
}

const gigabit = 1e9 / 8;
const networks: Link[] = [
  { name: '10 Gbit/s', bandwidth: 10 * gigabit * 0.9, latency: 30e-6 },
  { name: '100 Gbit/s', bandwidth: 100 * gigabit * 0.9, latency: 5e-6 },
];

function modelRows(machines: Machine[]) {
  return machines.flatMap((machine) =>
    networks.flatMap((link) =>
      [8, 16, 32, 64].map((ranks) => {
        const { way, milliseconds, narrow } = predict(machine, ranks, link);
        const efficiency = (step: number) => `${Math.round((100 * machine.computing) / step)} %`;
        return {
          machine: machine.name,
          link: link.name,
          ranks,
          'wide layer by': way,
          'ms/step': round(milliseconds, 1),
          efficiency: efficiency(milliseconds),
          'without that layer': efficiency(narrow),
        };
      }),
    ),
  );
}

/** The same machine with another batch size, to which its time is proportional. */
function withBatch(machine: Machine, batch: number): Machine {
  const name = `${machine.name.split(', batch')[0]}, batch ${batch}`;
  return { ...machine, name, batch, computing: (machine.computing * batch) / machine.batch };
}

/** This machine's figures, from two ranks on it. */
function fit(engine: string, { steps, reduce }: Measured): Machine {
  const none = steps.none as number;
  const seconds = (way: Way) => ((steps[way] as number) - none) / 1000;
  const moving = ((reduce?.large ?? 0) / 1000) * ((inputs * outputs) / (1 << 22));
  return {
    name: `${engine}, 1 core, batch ${batchSize}`,
    computing: none,
    batch: batchSize,
    speed: (2 * batchSize * inputs * outputs) / seconds('factors'),
    copying: (2 * 4 * inputs * outputs) / (seconds('all-reduce') - moving),
  };
}

/**
 * An assumption, not a measurement: a GPU that takes 4 ms per step at batch 64, multiplies float32 at 20 TFLOP/s, and
 * moves its gradients through the host's memory (no GPUDirect) at 10 GB/s.
 */
const assumedGpu: Machine = {
  name: 'a GPU (assumed), batch 64',
  computing: 4,
  batch: 64,
  speed: 20e12,
  copying: 10e9,
};

/** @param alone milliseconds per step of one rank. */
function rowOf(engine: EngineName, link: string, way: Way, measured: Measured, alone: number) {
  const { ranks, steps, rounds, peakMebibytes } = measured;
  const milliseconds = steps[way] as number;
  const each = rounds[way] as number[];
  return {
    engine,
    ranks,
    link,
    'gradients exchanged by': way,
    'ms/step': round(milliseconds, 1),
    min: round(Math.min(...each), 1),
    max: round(Math.max(...each), 1),
    'img/s of all': Math.round((ranks * batchSize * 1000) / milliseconds),
    'of ranks alone': `${Math.round((100 * alone) / milliseconds)} %`,
    'share of exchange': `${Math.round(100 * (1 - (steps.none as number) / milliseconds))} %`,
    'peak MiB': Math.round(peakMebibytes),
  };
}

function compare(): void {
  const rows = [];
  const machines: Machine[] = [];
  for (const engine of options.engines) {
    const single = runRanks(engine, 1, 'memory');
    const alone = single.steps.none as number;
    rows.push(rowOf(engine, '', 'none', single, alone));
    for (const link of options.links) {
      const measured = runRanks(engine, 2, link);
      const { reduce } = measured;
      if (link === 'memory') machines.push(fit(engine, measured));
      for (const way of ways) rows.push(rowOf(engine, link, way, measured, alone));
      const { large = 0, small = 0 } = reduce ?? {};
      console.error(
        `${engine}, ${link}: one rank ${alone.toFixed(1)} ms per step; all-reduce of 16 MiB ${large.toFixed(1)} ms, of 32 bytes ${(1000 * small).toFixed(0)} us`,
      );
    }
  }
  for (const { name, computing, speed, copying } of machines)
    console.error(
      `${name}: computes ${computing.toFixed(1)} ms per step, ${(speed / 1e9).toFixed(0)} GFLOP/s, copies ${(copying / 1e9).toFixed(2)} GB/s`,
    );
  const model = modelRows([...machines, assumedGpu].flatMap((one) => [one, withBatch(one, 256)]));
  report('cluster', options, { batchSize, rows, model });
}

const engine = taskOfChild<EngineName>();
if (engine) await measure(engine);
else compare();
