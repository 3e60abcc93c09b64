import type { Command } from 'commander';
import { findWhole, newestRun } from '../checkpoints/index.ts';
import { readSettings, type Settings, settingNames, settingOptions } from '../config/index.ts';
import type { TrainingResult } from '../training/train.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
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
  settingOptions(command, names).action(runTraining);
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
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function runTraining(options: TrainOptions): Promise<void> {
  const settings = await readSettings(options);
  const run = await chooseRun(settings, options);
  const resume = options.resume
    ? await findWhole(run, 'newest', ['weights.bin', 'optimizer.bin'], notice)
    : undefined;
  const display = new TrainingDisplay(settings, resume?.manifest.best);
  const signal = abortOnSignals(() => display.print('Stopping after this step; saving ...'));
  if (!(await resizeWhereStale(settings, signal))) return;

  const { startEngine } = await import('../engine/index.ts');
  const { train } = await import('../training/train.ts');
  const engine = await startEngine(settings.engine, settings);
  console.error(`Engine: ${engine.description}`);
  if (settings.engine === 'auto' && engine.name === 'wasm') await adviseSetup();
  const command = ['bat-sup', ...process.argv.slice(2)].map(quoteForShell).join(' ');
  try {
    const result = await train({ settings, run, resume, engine, command, signal, events: display.events });
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
