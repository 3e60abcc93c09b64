import type { Command } from 'commander';
import { findWhole, newestRun } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { readSettings, type Settings, settingNames, settingOptions } from '../config/index.ts';
import { keepFolderApart, keepFoldersApart } from '../keep_apart.ts';
import { quote } from '../quote.ts';
import type { TrainingResult } from '../training/train.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { onRanks, readTogether, withShareOfMachine } from './ranks.ts';
import { resizeWhereStale } from './resize.ts';
import { runFolder } from './run_folder.ts';
import { abortOnSignals } from './signals.ts';
import { describeMetrics, TrainingDisplay } from './training_display.ts';

interface TrainOptions extends Record<string, unknown> {
  resume?: boolean;
  run?: string;
  json?: boolean;
}

export function addTrain(program: Command): void {
  const command = program
    .command('train')
    .description('train the network; stop at any time, --resume goes on')
    .option('--resume', 'go on from the newest checkpoint of the newest run (or of --run)')
    .option('--run <name>', 'name of the run, a folder below the checkpoints (default: run-001, run-002 ...)')
    .option('--json', 'print the result as JSON');
  const names = settingNames.filter((name) => name !== 'augmentTarget');
  settingOptions(command, names).action((options) => onRanks((world) => runTraining(options, world)));
  addExamples(command, [
    ['bat-sup train', 'trains on rawdata/; the folder of each class is its name'],
    ['bat-sup train --recipe best --epochs 50', 'trains with defaults that learn better'],
    ['bat-sup train --resume', 'goes on where the newest run stopped'],
  ]);
}

async function chooseRun(settings: Settings, options: TrainOptions): Promise<string> {
  const { checkpoints } = settings;
  if (options.resume && options.run === undefined) return newestRun(checkpoints, notice);
  return runFolder(checkpoints, options.run);
}

/** A word as a shell takes it again. */
function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quote(word);
}

/** What is to be trained, the same on all ranks. */
async function plan(options: TrainOptions) {
  const settings = await readSettings(options);
  await keepFoldersApart(settings);
  const run = await chooseRun(settings, options);
  await keepFolderApart(settings.rawData, { option: '--run', path: run });
  const resume = options.resume
    ? await findWhole(run, 'newest', ['weights.bin', 'optimizer.bin'], notice)
    : undefined;
  return { settings, run, resume };
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
          'Other ranks do not answer; if one was lost, "bat-sup train --resume" goes on from the last checkpoint.',
        );
    };
    setTimeout(tell, patience).unref();
  });
}

async function runTraining(options: TrainOptions, world: World | undefined): Promise<void> {
  const { settings: planned, run, resume } = await readTogether(world, () => plan(options));
  const settings = await withShareOfMachine(planned, world);
  const display = new TrainingDisplay(settings, resume?.manifest.best);
  const signal = stopOn(display, world);
  const resizeHere = () => resizeWhereStale(settings, signal);
  const isReady = world ? await world.share(await world.inTurn(resizeHere)) : await resizeHere();
  if (!isReady) return;

  const { startEngine } = await import('../engine/index.ts');
  const { train } = await import('../training/train.ts');
  const engine = await startEngine(settings.engine, settings);
  console.error(`Engine: ${engine.description}`);
  if (world) console.error(describeRanks(world, settings));
  if (settings.engine === 'auto' && engine.name === 'wasm') await adviseSetup();
  const command = ['bat-sup', ...process.argv.slice(2)].map(quoteForShell).join(' ');
  try {
    const events = world && world.rank > 0 ? {} : display.events;
    const result = await train({ settings, run, resume, world, engine, command, signal, events });
    display.stop();
    report(result, settings, options.json === true);
  } finally {
    display.stop();
    await engine.dispose();
  }
}

/** What the native engine would be worth; measured with `npm run bench -- train`. */
async function adviseSetup(): Promise<void> {
  const { findGpus } = await import('../setup/nvidia.ts');
  const [gpu] = await findGpus();
  const worth = gpu ? `many times as fast, on ${gpu.name}` : 'two to three times as fast';
  console.error(`"bat-sup setup" would make training ${worth} (once; half a minute and 1.3 GB of disk).`);
}

function report(
  { run, position, metrics, best, finished }: TrainingResult,
  settings: Settings,
  json: boolean,
): void {
  if (json) {
    const { epoch: epochs, step: steps } = position;
    console.log(JSON.stringify({ run, finished, epochs, steps, metrics, best: best ?? null }));
    return;
  }
  const done = `${position.epoch} of ${settings.epochs} epochs, ${position.step} steps`;
  console.log(finished ? `Trained ${done}: ${run}` : `Stopped after ${done}: ${run}`);
  if (metrics.accuracy !== undefined) console.log(describeMetrics(metrics));
  if (best && best.epoch < position.epoch) {
    const { epochs, earlyStopping } = settings;
    const early =
      finished && position.epoch < epochs ? `Stopped early, ${earlyStopping} epochs after the best. ` : '';
    console.log(
      `${early}The best epoch, which predict uses: ${best.epoch}, ${describeMetrics(best.metrics)}`,
    );
  }
  const resume = position.step > 0 ? 'bat-sup train --resume' : 'bat-sup train';
  console.log(`Next: ${finished ? 'bat-sup predict <pictures>' : resume}`);
}
