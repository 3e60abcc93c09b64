import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { type Checkpoint, findIntact, hasSaved, newestRun } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import {
  flagsFor,
  flagsGiven,
  machineSettings,
  type RunSettings,
  type Settings,
  type SettingsInForce,
  settingNames,
  settingOptions,
  settingsInForce,
  valuesOf,
} from '../config/index.ts';
import { UsageError } from '../errors.ts';
import { readRecord } from '../runs/record.ts';
import { batSup } from '../system/command.ts';
import { keepFolderApart, keepFoldersApart } from '../system/keep_apart.ts';
import { counted, settingText } from '../text/format.ts';
import { quoteForShell } from '../text/quote.ts';
import { table } from '../text/table.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { type Advice, adviceFor } from '../training/advice.ts';
import type { TrainingResult } from '../training/options.ts';
import { checkResumable, isOver, refuseCheckpoints, settingsOfRun } from '../training/resume.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { onRanks, readTogether, withShareOfMachine } from './ranks.ts';
import { rawDataArgument, withRawData } from './raw_data_argument.ts';
import { resizeWhereStale } from './resize.ts';
import { runFolder } from './run_folder.ts';
import { abortOnSignals } from './signals.ts';
import { describeMetrics, TrainingDisplay } from './training_display.ts';

interface TrainOptions extends Record<string, unknown> {
  /** true: --resume alone. */
  resume?: string | true;
  run?: string;
  json?: boolean;
}

export function addTrain(program: Command): void {
  const resume = new Option(
    '--resume [auto]',
    'continue the newest run (or --run) with its settings; what you add changes them. auto: begin where nothing is saved',
  );
  const command = program
    .command('train')
    .description('train the network; press Ctrl-C to stop, continue with --resume')
    .addOption(resume)
    .option('--run <name>', 'name of the run, a folder below the checkpoints (default: run-001, run-002 ...)')
    .option('--json', 'print the result as JSON');
  const names = settingNames.filter((name) => name !== 'augmentTarget');
  settingOptions(rawDataArgument(command), names).action((folder, options) =>
    onRanks(async (world) => runTraining(await withRawData(folder, options), world)),
  );
  addExamples(command, [
    ['bat-sup train', 'trains on rawdata/; the folder of each class is its name'],
    ['bat-sup train ~/photos', 'trains on the classes in another folder'],
    ['bat-sup train --recipe best --epochs 50', 'trains with defaults that learn better'],
    ['bat-sup train --resume', 'continues where the newest run stopped'],
    ['bat-sup train --resume --epochs 80', 'trains it further; all other settings stay'],
    ['bat-sup train --run bats --resume auto', 'for a job that may start first or again'],
  ]);
}

/** The checkpoint to continue from; undefined for a new run. */
async function findResumed(
  { resume, run }: TrainOptions,
  checkpoints: string,
): Promise<Checkpoint | undefined> {
  if (resume === undefined) return undefined;
  if (resume !== true && resume !== 'auto') {
    const { message } = wrongValue('--resume', 'followed by nothing or by auto', resume);
    throw new UsageError(`${message} Name the folder of the pictures before --resume.`);
  }
  const place = run === undefined ? checkpoints : await runFolder(checkpoints, run);
  if (resume === 'auto' && !(await hasSaved(place))) {
    console.error(`${place} holds no checkpoint yet; a new run begins.`);
    return undefined;
  }
  const folder = run === undefined ? await newestRun(place, notice) : place;
  return findIntact(folder, 'newest', ['weights.bin', 'optimizer.bin'], notice);
}

/** What is to be trained. */
interface Plan {
  settings: Settings;
  run: string;
  resume?: Checkpoint | undefined;
  /** Flags that commands about this training need, */
  place: string[];
  /** that the command to continue needs beside --resume, */
  again: string[];
  /** and that a new training needs to be of the same pictures and settings. */
  anew: string[];
  /** Whether the run is at its end already. */
  isDone: boolean;
}

/** Everything that can be refused is, before anything is written. The same on all ranks. */
async function plan(options: TrainOptions, ranks: number): Promise<Plan> {
  const asAlways = await settingsInForce(options);
  const checkpoints = String(asAlways.checkpoints.value);
  const resume = await findResumed(options, checkpoints);
  const place = flagsGiven(asAlways, ['checkpoints']);
  const again = [
    ...(options.run === undefined ? [] : [`--run ${quoteForShell(options.run)}`]),
    ...flagsGiven(asAlways, machineSettings),
  ];
  if (resume) {
    const resumed = await planToResume(options, asAlways, resume, ranks);
    return { ...resumed, place, again, anew: flagsFor(resumed.settings) };
  }

  const settings = valuesOf(asAlways);
  const run = await runFolder(checkpoints, options.run);
  await keepRunApart(settings, run);
  await refuseCheckpoints(run);
  return { settings, run, place, again, anew: flagsGiven(asAlways, settingNames), isDone: false };
}

async function keepRunApart(settings: Settings, run: string): Promise<void> {
  await keepFoldersApart(settings);
  await keepFolderApart(settings.rawData, { option: '--run', path: run });
}

async function planToResume(
  options: TrainOptions,
  asAlways: SettingsInForce,
  resume: Checkpoint,
  ranks: number,
): Promise<Omit<Plan, 'place' | 'again' | 'anew'>> {
  const run = dirname(resume.folder);
  const resumed = { run, settings: await settingsOfRun(resume, ranks) };
  const inForce = await settingsInForce(options, { resumed });
  const settings = valuesOf(inForce);
  await keepRunApart(settings, run);
  await checkResumable(resume, settings, options);
  const record = await readRecord(run);
  tellWhatIsKept(resumed, asAlways, inForce, record !== undefined);
  // A run that was killed at its very end has yet to be marked as finished.
  const isDone = record?.sessions.at(-1)?.state === 'finished' && isOver(resume.manifest, settings);
  return { settings, run, resume, isDone };
}

/** Whoever has changed config.ts meanwhile expects it to hold. */
function tellWhatIsKept(
  { run, settings }: RunSettings,
  asAlways: SettingsInForce,
  inForce: SettingsInForce,
  isRecorded: boolean,
): void {
  const kept = settingNames
    .filter((name) => inForce[name].from === run && /^(config|BATSUP_)/.test(asAlways[name].from))
    .filter((name) => settingText(asAlways[name].value) !== settingText(inForce[name].value))
    .map(
      (name) =>
        `${name} ${settingText(settings[name])} (${asAlways[name].from}: ${settingText(asAlways[name].value)})`,
    );
  if (kept.length > 0) console.error(`Kept from ${run}, which only flags change: ${kept.join('; ')}`);
  if (!isRecorded)
    console.error(
      `${run} has no run.json; what its checkpoint does not say, as epochs, is as for a new run.`,
    );
}

/** Few threads where there are many cores show that the launcher binds each rank to one. */
function describeRanks({ size, version }: World, { batchSize, threads }: Settings): string {
  return `${size} ranks of ${version}, each ${batchSize} pictures a step and ${threads} thread${threads === 1 ? '' : 's'}`;
}

/** How long the ranks are given to come to the end of their step before it is said that they do not. */
const patience = 700;

function stopOn(display: TrainingDisplay, world: World | undefined): AbortSignal {
  return abortOnSignals(() => {
    display.print('Stopping after this step; saving ...');
    const tell = () => {
      if (world && world.waited() > patience / 2)
        display.print(
          `Other ranks do not answer; if one was lost, "${batSup('train --resume')}" continues from the last checkpoint.`,
        );
    };
    setTimeout(tell, patience).unref();
  });
}

async function runTraining(options: TrainOptions, world: World | undefined): Promise<void> {
  const planned = await readTogether(world, () => plan(options, world?.size ?? 1));
  const { run, resume, again } = planned;
  if (resume && planned.isDone) return reportDone(planned, resume, options.json === true);
  const settings = await withShareOfMachine(planned.settings, world);
  const display = new TrainingDisplay(settings, resume?.manifest.best);
  const signal = stopOn(display, world);
  const args = process.argv
    .slice(2)
    .map((word) => quoteForShell(word))
    .join(' ');
  const command = `bat-sup ${args}`;
  const resizeHere = () => resizeWhereStale(settings, signal);
  const isReady = world ? await world.share(await world.inTurn(resizeHere)) : await resizeHere();
  if (!isReady) return;

  const { startEngine } = await import('../engine/index.ts');
  const { train } = await import('../training/train.ts');
  const engine = await startEngine(settings.engine, settings);
  console.error(`Engine: ${engine.description}`);
  if (world) console.error(describeRanks(world, settings));
  if (settings.engine === 'auto' && engine.name === 'wasm') await adviseSetup();
  try {
    const events = world && world.rank > 0 ? {} : display.events;
    const result = await train({ settings, run, resume, world, engine, command, signal, events });
    display.stop();
    const next = result.position.step > 0 ? ['train --resume', ...again].join(' ') : args;
    report(result, { ...planned, settings, next, json: options.json === true });
  } finally {
    display.stop();
    await engine.dispose();
  }
}

/** What the native engine would be worth, where it can be set up; measured with `npm run bench -- train`. */
async function adviseSetup(): Promise<void> {
  const { whyNoTensorFlow } = await import('../engine/native/supported.ts');
  if (whyNoTensorFlow()) return;
  const { findGpus } = await import('../setup/nvidia.ts');
  const [gpu] = await findGpus();
  const worth = gpu ? `many times as fast, on ${gpu.name}` : 'two to three times as fast';
  console.error(
    `"${batSup('setup')}" would make training ${worth} (once; half a minute and 1.3 GB of disk).`,
  );
}

/** Says that there is nothing left to do, and what would be. */
function reportDone(plan: Plan, { manifest }: Checkpoint, json: boolean): void {
  const { settings, run, again } = plan;
  const { position, metrics, best } = manifest;
  const isEarly = position.epoch < settings.epochs;
  const more = isEarly ? `--early-stopping ${2 * settings.earlyStopping}` : `--epochs ${2 * position.epoch}`;
  const done = isEarly
    ? `was stopped early, ${counted(settings.earlyStopping, 'epoch')} after its best`
    : `has trained all of its ${position.epoch} epochs`;
  const next = ['train --resume', ...again, more].join(' ');
  console.error(`${run} ${done}. To train it further: ${batSup(next)}`);
  report({ run, position, metrics, ...(best && { best }), finished: true }, { ...plan, next, json });
}

interface Report extends Pick<Plan, 'settings' | 'place' | 'again' | 'anew'> {
  /** The arguments that continue it. */
  next: string;
  json: boolean;
}

function report(result: TrainingResult, plan: Report): void {
  const { settings, next, json } = plan;
  const { run, position, metrics, best, finished } = result;
  if (json) {
    const { epoch: epochs, step: steps } = position;
    console.log(JSON.stringify({ run, finished, epochs, steps, metrics, best: best ?? null }));
    return;
  }
  const done = `${position.epoch} of ${Math.max(settings.epochs, position.epoch)} epochs, ${position.step} steps`;
  console.log(finished ? `Trained ${done}: ${run}` : `Stopped after ${done}: ${run}`);
  if (metrics.accuracy !== undefined) console.log(describeMetrics(metrics));
  if (best && best.epoch < position.epoch) {
    if (finished && position.epoch < settings.epochs)
      console.log(`Stopped early, ${counted(settings.earlyStopping, 'epoch')} after the best.`);
    console.log(`Best epoch, which predict uses: ${best.epoch}\n${describeMetrics(best.metrics)}`);
  }
  if (!finished) {
    console.log(`Next: ${batSup(next)}`);
    return;
  }
  const command = (...words: string[]) => batSup(words.join(' '));
  const steps = [
    [command('predict', ...plan.place, '<pictures>'), 'classify pictures'],
    [command('evaluate', ...plan.place), 'see what it gets wrong'],
    [command('report', ...plan.place), 'all of it on one page'],
  ].map(([command, what]) => [`  ${command}`, `# ${what}`]);
  console.log(`Next:\n${table(steps, [0, 1])}`);
  const advice = adviceFor({ settings, metrics, best, epoch: position.epoch });
  if (advice.length === 0) return;
  console.log('To learn better:');
  for (const one of advice)
    console.log(`  # ${one.why}\n  ${command('train', ...flagsFollowing(one, plan))}`);
}

/** The flags of a training that follows advice, in everything else as this one. */
function flagsFollowing({ flag, continues }: Advice, { again, anew }: Report): string[] {
  if (continues) return ['--resume', ...again, flag];
  const [name] = flag.split(' ');
  return [...anew.filter((given) => given.split(' ')[0] !== name), flag];
}
