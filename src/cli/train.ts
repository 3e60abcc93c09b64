import { join } from 'node:path';
import type { Command } from 'commander';
import { findCheckpoint, type Metrics, newestRun, nextRunName } from '../checkpoints/index.ts';
import { readSettings, type Settings, settingNames, settingOptions } from '../config/index.ts';
import { UsageError } from '../errors.ts';
import type { TrainingEvents, TrainingResult } from '../training/train.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { resizeWhereStale } from './resize.ts';
import { abortOnSignals } from './signals.ts';

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
}

async function chooseRun(settings: Settings, options: TrainOptions): Promise<string> {
  const { checkpoints } = settings;
  if (options.run !== undefined && !/^[\w][\w.-]*$/.test(options.run)) {
    throw new UsageError(`--run is "${options.run}"; allowed are letters, digits, "-", "_" and ".".`);
  }
  if (options.run) return join(checkpoints, options.run);
  return options.resume ? newestRun(checkpoints) : join(checkpoints, await nextRunName(checkpoints));
}

/** A word as a shell takes it again. */
function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function runTraining(options: TrainOptions): Promise<void> {
  const settings = await readSettings(options);
  const run = await chooseRun(settings, options);
  const resume = options.resume ? await findCheckpoint(run, 'newest') : undefined;
  const signal = abortOnSignals('Stopping after this step; saving ...');
  if (!(await resizeWhereStale(settings, signal))) return;

  const { startEngine } = await import('../engine/index.ts');
  const { train } = await import('../training/train.ts');
  const engine = await startEngine(settings.engine, settings);
  console.error(`Engine: ${engine.description}`);
  if (settings.engine === 'auto' && engine.name === 'wasm') await adviseSetup();
  const display = new TrainingDisplay(settings);
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
  { run, position, metrics, finished }: TrainingResult,
  settings: Settings,
  json: boolean,
): void {
  if (json) {
    console.log(JSON.stringify({ run, finished, epochs: position.epoch, steps: position.step, metrics }));
    return;
  }
  const done = `${position.epoch} of ${settings.epochs} epochs, ${position.step} steps`;
  console.log(finished ? `Trained ${done}: ${run}` : `Stopped after ${done}: ${run}`);
  if (metrics.accuracy !== undefined) console.log(describe(metrics));
  const resume = position.step > 0 ? 'bat-sup train --resume' : 'bat-sup train';
  console.log(`Next: ${finished ? 'bat-sup predict <pictures>' : resume}`);
}

function describe({ loss, accuracy, validationLoss, validationAccuracy }: Metrics): string {
  const train = `loss ${loss?.toFixed(4)}  accuracy ${accuracy?.toFixed(4)}`;
  if (validationAccuracy === undefined) return train;
  return `${train}  validation loss ${validationLoss?.toFixed(4)}  accuracy ${validationAccuracy.toFixed(4)}`;
}

/** Layers, a bar an epoch and a line after it, on stderr. */
class TrainingDisplay {
  readonly #settings: Settings;
  #bar: ProgressBar | undefined;
  #stepsPerEpoch = 0;
  #pictures = 0;
  #seconds = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  readonly events: TrainingEvents = {
    notice: (text) => console.error(text),
    decoding: (done, total) => {
      this.#bar ??= progressBar('Decoding', total);
      this.#bar.update(done);
      if (done === total) this.stop();
    },
    started: ({ model, dataset, split, stepsPerEpoch, position }) => {
      this.#stepsPerEpoch = stepsPerEpoch;
      const { width, height, channels } = model.description;
      console.error(`pictures  ${height} x ${width} x ${channels}`);
      for (const layer of model.layers)
        console.error(`${layer.name.padEnd(9)} ${layer.outputShape.join(' x ')}`);
      const classes = dataset.classes.join(', ');
      console.error(
        `${dataset.classes.length} classes (${classes}); ${split.train.length} pictures to train on, ${split.validation.length} to validate`,
      );
      if (position.step > 0) console.error(`Resuming after epoch ${position.epoch}, step ${position.step}`);
    },
    step: (position, result, rate) => {
      this.#pictures += this.#settings.batchSize;
      this.#seconds += this.#settings.batchSize / rate;
      const label = `Epoch ${position.epoch + 1}/${this.#settings.epochs}`;
      this.#bar ??= progressBar(label, this.#stepsPerEpoch * this.#settings.batchSize);
      this.#bar.update(position.batch * this.#settings.batchSize, `loss ${result.loss.toFixed(4)}`);
    },
    epoch: (epoch, metrics) => {
      this.stop();
      const speed = this.#seconds > 0 ? `  ${(this.#pictures / this.#seconds).toFixed(0)} img/s` : '';
      this.#pictures = 0;
      this.#seconds = 0;
      console.error(`epoch ${epoch}/${this.#settings.epochs}  ${describe(metrics)}${speed}`);
    },
  };
}
