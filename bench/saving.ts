/**
 * Cost of saving checkpoints in a training of the article's network (44 MB of weights, 88 MB of Adam's moments).
 *
 * npm run bench -- saving [--engines native,wasm] [--steps 60] [--rounds 5] [--json]
 *
 * Rounds of steps alternate: without saving, with one checkpoint saved as training does (in a thread of its own), and
 * with one saved in the main thread. Each engine has a process of its own; the disk is the temporary folder's.
 */
import { join } from 'node:path';
import { type CheckpointInfo, removeOldCheckpoints, saveCheckpoint } from '../src/checkpoints/index.ts';
import { readSettings } from '../src/config/index.ts';
import { type EngineName, startEngine } from '../src/engine/index.ts';
import { CheckpointSaver } from '../src/training/checkpoint_saver.ts';
import { type TensorSource, tensorSources } from '../src/training/tensor_source.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { articleTraining } from './inputs/article_training.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { peakMebibytes } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({ engines: ['native', 'wasm'] as EngineName[], steps: 60, rounds: 5 });
const { steps } = options;

/** For the process that measures one engine. */
interface Task {
  engine: EngineName;
  /** Where it saves. */
  run: string;
}

type Mode = 'none' | 'thread' | 'main thread';

/** Milliseconds. */
interface Round {
  mode: Mode;
  /** All steps together. */
  all: number;
  /** From the request to save until the next step could start. */
  wait: number;
  /** The longest step. */
  longest: number;
  /** From the request to save until the checkpoint was on the disk. */
  saved: number;
}

interface Measured {
  rounds: Round[];
  peakMebibytes: number;
}

async function measure({ engine: name, run }: Task): Promise<Measured> {
  const engine = await startEngine(name, { threads: 0 });
  const settings = await readSettings({});
  const { batchSize } = settings;
  const { model, adam, startStep, stepsSoFar } = articleTraining(batchSize);

  const snapshot = () => {
    const step = stepsSoFar();
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

  async function take(mode: Mode): Promise<Round> {
    const start = performance.now();
    let saving: Promise<number> | undefined;
    let [wait, longest] = [0, 0];
    for (let i = 0; i < steps; i++) {
      const before = performance.now();
      startStep()();
      await new Promise(setImmediate); // as a training does when it reads a batch
      longest = Math.max(longest, performance.now() - before);
      if (i !== 5 || mode === 'none') continue;
      const request = performance.now();
      const done = mode === 'thread' ? saver.save().then(() => () => saver.finish()) : () => saveHere();
      const finish = await done;
      saving = finish().then(() => performance.now() - request);
      wait = performance.now() - request;
    }
    const all = performance.now() - start;
    return { mode, all, wait, longest, saved: (await saving) ?? 0 };
  }

  await take('none');
  await take('thread');
  const modes: Mode[] = ['none', 'thread', 'main thread'];
  const rounds: Round[] = [];
  for (let i = 0; i < options.rounds; i++)
    for (const mode of i % 2 === 0 ? modes : modes.toReversed()) rounds.push(await take(mode));
  await saver.close();
  await engine.dispose();
  return { rounds, peakMebibytes: peakMebibytes() };
}

function rowsOf(engine: string, measured: Measured) {
  const roundsOf = (mode: Mode) => measured.rounds.filter((one) => one.mode === mode);
  const none = roundsOf('none');
  return (['thread', 'main thread'] as const).map((mode) => {
    const saving = roundsOf(mode);
    // Compares neighbouring rounds, since the machine's speed may drift.
    const lost = median(saving.map((one, index) => one.all - (none[index] as Round).all));
    return {
      engine,
      'saved in': mode,
      'ms per step, none saved': round(median(none.map(({ all }) => all)) / steps, 1),
      'ms that training waits': Math.round(median(saving.map(({ wait }) => wait))),
      'longest step, ms': Math.round(median(saving.map(({ longest }) => longest))),
      'ms until on the disk': Math.round(median(saving.map(({ saved }) => saved))),
      'ms lost per save': Math.round(lost),
      '% of the time at one a minute': round((100 * lost) / 60_000, 2),
      'peak MiB': Math.round(measured.peakMebibytes),
    };
  });
}

async function compare(): Promise<void> {
  const folder = temporaryFolder();
  const rows = [];
  for (const engine of options.engines)
    rows.push(
      ...rowsOf(engine, await inChild<Measured>(import.meta.url, { engine, run: join(folder, engine) })),
    );
  report('saving', options, { rows });
}

const task = taskOfChild<Task>();
if (task) answerParent(await measure(task));
else await compare();
