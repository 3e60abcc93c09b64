/**
 * What training on several ranks costs, and what a cluster would make of it:
 * npm run bench -- cluster [--engines native,wasm] [--batch 10] [--links memory,10gbit,1gbit] [--rounds 5] [--json]
 * Two ranks with a thread each on this machine, by Open MPI's mpirun: the article's network, on uint8 pictures in
 * memory. A round has each way to exchange gradients take its steps in turn, and 'none' steps without any beside the
 * other rank, which is what computing alone takes. The links: 'memory', or TCP at a rate that tc limits in a network
 * namespace of its own (Linux, root).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { joinWorld, memory, type World } from '../src/cluster/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { createModel, type Model } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { GradientExchange } from '../src/training/exchange.ts';
import { trainStep } from '../src/training/step.ts';
import { trainStepTogether } from '../src/training/step_together.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    engines: { type: 'string', default: 'native,wasm' },
    batch: { type: 'string', default: '10' },
    links: { type: 'string', default: 'memory,10gbit,1gbit' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const batchSize = Number(options.batch);

/** How gradients are exchanged. 'factors' is what training does; 'all-reduce' does it for every layer. */
const ways = ['none', 'factors', 'factors, bfloat16', 'all-reduce', 'all-reduce, bfloat16'] as const;
type Way = (typeof ways)[number];

interface Measured {
  ranks: number;
  /** Milliseconds a step, the median of the rounds. */
  steps: Partial<Record<Way, number>>;
  /** Milliseconds of an all-reduce of 16 MiB, and of 32 bytes. */
  reduce?: { large: number; small: number };
}

function exchangeOf(way: Way, world: World, model: Model): GradientExchange {
  // Of a network whose layers it does not know no factors are gathered.
  const known = way.startsWith('factors') ? model : { ...model, layers: [] };
  const gradientCompression = way.endsWith('bfloat16') ? 'bfloat16' : 'off';
  return new GradientExchange({ world, model: known, settings: { batchSize, gradientCompression } });
}

/** Milliseconds of one time, of enough times. */
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

/** In a rank, or alone. */
async function measure(name: EngineName): Promise<Measured> {
  const world = await joinWorld();
  const engine = await startEngine(name, { threads: 1 });
  const classes = ['bat', 'sup'];
  const model = createModel({ architecture: 'article', width: 100, height: 100, channels: 3, classes });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from({ length: batchSize * 100 * 100 * 3 }, (_, index) => (index * 7919) % 256);
  const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
  const batch = { pixels, labels };
  let step = 0;
  const measured = world ? ways : ways.slice(0, 1);
  const works = measured.map((way) => {
    if (way === 'none' || !world)
      return () => trainStep(model, adam, batch, { step: ++step, learningRate: 1e-4 })();
    const exchange = exchangeOf(way, world, model);
    return () =>
      trainStepTogether(model, adam, batch, { step: ++step, learningRate: 1e-4, exchange, stop: false });
  });
  const rounds = measured.map((): number[] => []);
  for (let round = -1; round < Number(options.rounds); round++) {
    for (const [index, work] of works.entries()) {
      await world?.barrier();
      const milliseconds = await timeOf(10, work);
      if (round >= 0) rounds[index]?.push(milliseconds);
    }
  }
  const steps = Object.fromEntries(measured.map((way, index) => [way, median(rounds[index] as number[])]));
  const reduce = world && (await timeReduce(world));
  if (!world || world.rank === 0)
    console.log(JSON.stringify({ ranks: world?.size ?? 1, steps, ...(reduce && { reduce }) }));
  await world?.leave();
  await engine.dispose();
  return { ranks: 1, steps };
}

/** The command that starts so many ranks on a link. */
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
  // Both ways share the loopback device, as they do not share a cable.
  const limit = `tc qdisc add dev lo root tbf rate ${Number(rate) * 2}${unit} burst 256kb latency 100ms`;
  return ['unshare', '-n', 'sh', '-c', `ip link set lo up && ${limit} && exec "$@"`, 'sh', ...tcp];
}

function runRanks(engine: EngineName, ranks: number, link: string): Measured {
  const [program = '', ...args] = commandOf(ranks, link);
  const env = { ...process.env, BENCH_ENGINE: engine };
  const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${engine}, ${ranks} ranks over ${link}: ${stderr.trim()}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string);
}

/** [inputs, outputs] of the article's widest layer, and how many numbers its others learn. */
const [inputs, outputs, numbersOfOthers] = [13 * 13 * 64, 1024, 31_010];

/** A machine of a cluster: milliseconds that a step computes, and how fast it multiplies matrices. */
interface Machine {
  name: string;
  computing: number;
  batch: number;
  /** Floating-point operations a second, where factors are multiplied. */
  speed: number;
  /** Bytes a second at which gradients are made, read from the engine, averaged and given back. */
  copying: number;
}

/**
 * What one step takes on so many machines, in milliseconds: computing, then a ring all-reduce of the small layers, and
 * for the wide one either that, or gathering its factors and multiplying them, as training chooses. Nothing overlaps,
 * which is the worst.
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
  const narrow = computing + 1000 * ring(numbersOfOthers);
  return { way, milliseconds: narrow + 1000 * wide, narrow };
}

interface Link {
  name: string;
  bandwidth: number;
  latency: number;
}

const gigabit = 1e9 / 8;
const networks: Link[] = [
  { name: '10 Gbit/s', bandwidth: 10 * gigabit * 0.9, latency: 30e-6 },
  { name: '100 Gbit/s', bandwidth: 100 * gigabit * 0.9, latency: 5e-6 },
];

function printModel(machines: Machine[]): void {
  const rows = machines.flatMap((machine) =>
    networks.flatMap((link) =>
      [8, 16, 32, 64].map((ranks) => {
        const { way, milliseconds, narrow } = predict(machine, ranks, link);
        const efficiency = (step: number) => `${Math.round((100 * machine.computing) / step)} %`;
        return {
          machine: machine.name,
          link: link.name,
          ranks,
          'wide layer by': way,
          'ms/step': Number(milliseconds.toFixed(1)),
          efficiency: efficiency(milliseconds),
          'without that layer': efficiency(narrow),
        };
      }),
    ),
  );
  if (options.json) console.log(JSON.stringify({ bench: 'cluster', model: rows }));
  else console.table(rows);
}

/** The same machine with another batch, which takes it proportionally long. */
function withBatch(machine: Machine, batch: number): Machine {
  const name = `${machine.name.split(', batch')[0]}, batch ${batch}`;
  return { ...machine, name, batch, computing: (machine.computing * batch) / machine.batch };
}

/** What a machine's numbers are, by two ranks on it. */
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
 * An assumption, not a measurement: a GPU that takes 4 ms for a step at batch 64, multiplies float32 at 20 TFLOP/s, and
 * whose gradients pass through the computer's memory (no GPUDirect) at 10 GB/s.
 */
const assumedGpu: Machine = {
  name: 'a GPU (assumed), batch 64',
  computing: 4,
  batch: 64,
  speed: 20e12,
  copying: 10e9,
};

function compare(): void {
  const rows = [];
  const machines: Machine[] = [];
  for (const engine of options.engines.split(',') as EngineName[]) {
    const alone = runRanks(engine, 1, 'memory').steps.none as number;
    for (const link of options.links.split(',')) {
      const measured = runRanks(engine, 2, link);
      const { steps, reduce } = measured;
      if (link === 'memory') machines.push(fit(engine, measured));
      for (const way of ways) {
        const milliseconds = steps[way] as number;
        rows.push({
          engine,
          link,
          'gradients exchanged by': way,
          'ms/step': Number(milliseconds.toFixed(1)),
          'img/s of both': Number(((2 * batchSize * 1000) / milliseconds).toFixed(0)),
          'of twice one rank': `${Math.round((100 * alone) / milliseconds)} %`,
          'of it exchange': `${Math.round(100 * (1 - (steps.none as number) / milliseconds))} %`,
        });
      }
      const { large = 0, small = 0 } = reduce ?? {};
      console.error(
        `${engine}, ${link}: one rank ${alone.toFixed(1)} ms a step; all-reduce of 16 MiB ${large.toFixed(1)} ms, of 32 bytes ${(1000 * small).toFixed(0)} us`,
      );
    }
  }
  if (options.json) console.log(JSON.stringify({ bench: 'cluster', batchSize, rows }));
  else console.table(rows);
  for (const { name, computing, speed, copying } of machines)
    console.error(
      `${name}: computes ${computing.toFixed(1)} ms a step, ${(speed / 1e9).toFixed(0)} GFLOP/s, copies ${(copying / 1e9).toFixed(2)} GB/s`,
    );
  printModel([...machines, assumedGpu].flatMap((machine) => [machine, withBatch(machine, 256)]));
}

const own = process.env.BENCH_ENGINE as EngineName | undefined;
if (own) await measure(own);
else compare();
