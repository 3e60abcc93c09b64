/**
 * What saving costs a training of the article's network (44 MB of weights and 88 MB of what Adam remembers):
 * npm run bench -- saving [--engines native,wasm] [--steps 60] [--rounds 5] [--json]
 * Rounds of steps alternate: none saved, one checkpoint saved in the thread that training uses, and one in the main
 * thread, as it would be without. In one process for each engine; the disk is that of the temporary folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CheckpointInfo, removeOldCheckpoints, saveCheckpoint } from '../src/checkpoints/index.ts';
import { readSettings } from '../src/config/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { createModel } from '../src/models/model.ts';
import { Adam } from '../src/training/adam.ts';
import { CheckpointSaver } from '../src/training/checkpoint_saver.ts';
import { trainStep } from '../src/training/step.ts';
import { type TensorSource, tensorSources } from '../src/training/tensor_source.ts';
import { inChild } from './measure/in_child.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    engines: { type: 'string', default: 'native,wasm' },
    steps: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const steps = Number(options.steps);

type Mode = 'none' | 'thread' | 'main thread';

/** Milliseconds. */
interface Round {
  mode: Mode;
  /** Of all the steps. */
  all: number;
  /** Until the next step could start, once saving was asked for. */
  wait: number;
  /** The longest step of all. */
  longest: number;
  /** Until the checkpoint was on the disk, whether or not there were steps left. */
  saved: number;
}

interface Measured {
  rounds: Round[];
  peakMebibytes: number;
}

async function measure(name: EngineName, run: string): Promise<Measured> {
  const engine = await startEngine(name, { threads: 0 });
  const settings = await readSettings({});
  const { batchSize, width, height, channels } = settings;
  const model = createModel({ ...settings, architecture: 'article', classes: ['bat', 'sup'] });
  const adam = new Adam(model.variables);
  const pixels = Uint8Array.from(
    { length: batchSize * width * height * channels },
    (_, index) => (index * 7919) % 256,
  );
  const labels = Array.from({ length: batchSize }, (_, index) => index % 2);
  let step = 0;

  const snapshot = () => {
    const info: CheckpointInfo = {
      model: model.description,
      preprocessing: { fit: 'fill', scale: 1 / 255 },
      training: { seed: 1, batchSize, learningRate: 1e-4, validationSplit: 0.2, dataset: '' },
      position: { step, epoch: 0, batch: step, lossSum: 0, correct: 0 },
      metrics: {},
    };
    return { info, weights: tensorSources(model.variables), optimizer: adam.snapshot() };
  };
  const saver = new CheckpointSaver(run, settings, snapshot);
  const read = (sources: TensorSource[]) => sources.map(({ read, ...one }) => ({ ...one, values: read() }));
  async function saveHere(): Promise<void> {
    const { info, weights, optimizer } = snapshot();
    await saveCheckpoint(run, info, { weights: read(weights), optimizer: read(optimizer) });
    await removeOldCheckpoints(run, settings.keepCheckpoints);
  }

  async function round(mode: Mode): Promise<Round> {
    const began = performance.now();
    let saving: Promise<number> | undefined;
    let [wait, longest] = [0, 0];
    for (let i = 0; i < steps; i++) {
      const before = performance.now();
      trainStep(model, adam, { pixels, labels }, { step: ++step, learningRate: 1e-4 })();
      await new Promise(setImmediate); // as reading a batch does
      longest = Math.max(longest, performance.now() - before);
      if (i !== 5 || mode === 'none') continue;
      const asked = performance.now();
      const done = mode === 'thread' ? saver.save().then(() => () => saver.finish()) : () => saveHere();
      const finish = await done;
      saving = finish().then(() => performance.now() - asked);
      wait = performance.now() - asked;
    }
    const all = performance.now() - began;
    return { mode, all, wait, longest, saved: (await saving) ?? 0 };
  }

  await round('none');
  await round('thread');
  const modes: Mode[] = ['none', 'thread', 'main thread'];
  const rounds: Round[] = [];
  for (let i = 0; i < Number(options.rounds); i++)
    for (const mode of i % 2 === 0 ? modes : modes.toReversed()) rounds.push(await round(mode));
  await saver.close();
  await engine.dispose();
  return { rounds, peakMebibytes: process.resourceUsage().maxRSS / 1024 };
}

function rowsOf(engine: string, { rounds, peakMebibytes }: Measured) {
  const of = (mode: Mode) => rounds.filter((round) => round.mode === mode);
  const none = of('none');
  return (['thread', 'main thread'] as const).map((mode) => {
    // Neighbouring rounds: a machine whose speed drifts drifts for both.
    const lost = of(mode).map((round, index) => round.all - (none[index] as Round).all);
    return {
      engine,
      'saved in': mode,
      'ms a step, none saved': Number((median(none.map(({ all }) => all)) / steps).toFixed(1)),
      'ms that saving keeps waiting': Math.round(median(of(mode).map(({ wait }) => wait))),
      'longest step, ms': Math.round(median(of(mode).map(({ longest }) => longest))),
      'ms until on the disk': Math.round(median(of(mode).map(({ saved }) => saved))),
      'ms lost a save': Math.round(median(lost)),
      '% of the time at one a minute': Number(((100 * median(lost)) / 60_000).toFixed(2)),
      'peak MiB': Math.round(peakMebibytes),
    };
  });
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
  try {
    const rows = [];
    for (const name of options.engines.split(',') as EngineName[])
      rows.push(
        ...rowsOf(
          name,
          await inChild<Measured>(import.meta.url, {
            BENCH_ENGINE: name,
            BENCH_FOLDER: join(folder, name),
          }),
        ),
      );
    if (options.json) console.log(JSON.stringify({ bench: 'saving', rows }));
    else console.table(rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const own = process.env.BENCH_ENGINE as EngineName | undefined;
if (own) {
  process.send?.(await measure(own, process.env.BENCH_FOLDER as string));
  process.disconnect();
} else {
  await compare();
}
