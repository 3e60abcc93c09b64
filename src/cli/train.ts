import { type Command, Option } from 'commander';
import type { Checkpoint } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { type Settings, settingNames, settingOptions } from '../config/index.ts';
import { isHeadOnly } from '../config/pretrained.ts';
import { UsageError } from '../errors.ts';
import type { Network } from '../formats/format.ts';
import { batSup } from '../system/command.ts';
import { counted, figure } from '../text/format.ts';
import { quoteForShell } from '../text/quote.ts';
import { table } from '../text/table.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { type Advice, adviceFor } from '../training/advice.ts';
import type { TrainingResult } from '../training/options.ts';
import { planTraining, type TrainPlan, type TrainRequest } from '../training/plan.ts';
import { addExamples } from './examples.ts';
import { type HintFlags, hintOptions, hintsGiven, printAssumed, readHints } from './import_hints.ts';
import { notice, noticeText } from './notice.ts';
import { onRanks, readTogether, withShareOfMachine } from './ranks.ts';
import { rawDataArgument, withRawData } from './raw_data_argument.ts';
import { resizeWhereStale } from './resize.ts';
import { abortOnSignals } from './signals.ts';
import { describeMetrics, TrainingDisplay } from './training_display.ts';

interface TrainOptions extends HintFlags, Record<string, unknown> {
  /** true: --resume alone. */
  resume?: string | true;
  run?: string;
  json?: boolean;
}

export function addTrain(program: Command): void {
  const resume = new Option(
    '--resume [auto]',
    'continue the newest run (or --run) with its settings, changed by the flags you add; auto: start a new run where there is none',
  );
  const command = program
    .command('train')
    .description('train the network; press Ctrl-C to stop, continue with --resume')
    .addOption(resume)
    .option(
      '--run <name>',
      'name of the run, a folder in the checkpoints folder (default: run-001, run-002 ...)',
    )
    .option('--json', 'print the result as JSON');
  hintOptions(command);
  const names = settingNames.filter((name) => name !== 'augmentTarget');
  settingOptions(rawDataArgument(command), names).action((folder, options) =>
    onRanks(async (world) => runTraining(await withRawData('train', folder, options), world)),
  );
  addExamples(command, [
    ['bat-sup train', 'trains on rawdata/; each folder in it is a class'],
    ['bat-sup train ~/photos', 'trains on the classes in another folder'],
    ['bat-sup train --recipe best --epochs 50', 'trains with better defaults than the article'],
    ['bat-sup train --pretrained', 'starts from a network that has seen a million photographs'],
    ['bat-sup train --from run-001', 'starts from a trained network, for other or more classes'],
    [
      'bat-sup train --from model.onnx --fine-tune 2',
      'from a file of another program; its last blocks learn, too',
    ],
    ['bat-sup train --pretrained --fine-tune', 'the same, and adapts its last blocks'],
    ['bat-sup train --pretrained --unknown', 'also answers "unknown" for pictures of none of the classes'],
    ['bat-sup train --resume', 'continues where the newest run stopped'],
    ['bat-sup train --resume --epochs 80', 'trains it further, all other settings unchanged'],
    ['bat-sup train --run bats --resume auto', 'for a job that may be restarted: continues where it can'],
  ]);
}

/** @throws {UsageError} where --resume is followed by something else. */
function readRequest({ resume, run, ...flags }: TrainOptions, ranks: number): TrainRequest {
  const assumed = (network: Network) => printAssumed(network, flags);
  const request = { flags, run, ranks, hints: readHints(flags), hintFlags: hintsGiven(flags), assumed };
  if (resume === undefined) return request;
  if (resume === true || resume === 'auto')
    return { ...request, resume: resume === true ? 'always' : 'auto' };
  const { message } = wrongValue('--resume', 'followed by nothing or by auto', resume);
  throw new UsageError(`${message} Name the folder of the pictures before --resume.`);
}

/** Few threads on a machine with many cores show that the launcher binds each rank to one core. */
function describeRanks({ size, version }: World, { batchSize, threads }: Settings): string {
  const each = `${counted(batchSize, 'picture')} per step and ${counted(threads, 'thread')}`;
  return `${counted(size, 'rank')} of ${version}, each with ${each}`;
}

/** Milliseconds that the ranks are given to finish their step before the user is told that they do not answer. */
const patience = 700;

function stopOn(display: TrainingDisplay, world: World | undefined): AbortSignal {
  return abortOnSignals(() => {
    display.print('Stopping after this step; saving ...');
    const warn = () => {
      if (world && world.waited() > patience / 2)
        display.notice(
          'Other ranks do not answer; if one was lost, "bat-sup train --resume" continues from the last checkpoint.',
        );
    };
    setTimeout(warn, patience).unref();
  });
}

async function runTraining(options: TrainOptions, world: World | undefined): Promise<void> {
  const request = readRequest(options, world?.size ?? 1);
  let start: TrainPlan['start'];
  const plan = await readTogether(world, async () => {
    const { start: own, ...shared } = await planTraining(request, notice);
    start = own; // Its weights stay on rank 0.
    return shared;
  });
  const { run, resume, resumeFlags } = plan;
  if (resume && plan.isDone) return reportDone(plan, resume, options.json === true);
  const settings = await withShareOfMachine(plan.settings, world);
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
    const result = await train({ settings, run, resume, start, world, engine, command, signal, events });
    display.stop();
    const next = result.saved ? ['train --resume', ...resumeFlags].join(' ') : args;
    report(result, { ...plan, settings, next, json: options.json === true });
  } finally {
    display.stop();
    await engine.dispose();
  }
}

/** Recommends the native engine where it can be set up. Its speed was measured with `npm run bench -- train`. */
async function adviseSetup(): Promise<void> {
  const { whyNoTensorFlow } = await import('../engine/native/supported.ts');
  if (whyNoTensorFlow()) return;
  const { findGpus } = await import('../setup/nvidia.ts');
  const [gpu] = await findGpus();
  const speed = gpu ? `many times as fast, on ${gpu.name}` : 'two to three times as fast';
  console.error(
    noticeText(`"bat-sup setup" makes training ${speed} (once; half a minute and 1.3 GB of disk).`),
  );
}

/** Prints that the run has finished, and how to train it further. */
function reportDone(plan: TrainPlan, { manifest }: Checkpoint, json: boolean): void {
  const { settings, run, resumeFlags } = plan;
  const { position, metrics, best } = manifest;
  const { done, more } = whyDone(settings, position.epoch);
  const next = ['train --resume', ...resumeFlags, more].join(' ');
  console.error(`${run} ${done}.\nTo train it further: ${batSup(next)}`);
  report(
    { run, position, metrics, ...(best && { best }), finished: true, saved: true },
    { ...plan, next, json },
  );
}

/** Why a run has finished, and the flag that trains it further. */
function whyDone(settings: Settings, epochs: number): { done: string; more: string } {
  if (isHeadOnly(settings)) return { done: 'has trained its head', more: '--fine-tune' };
  const { earlyStopping } = settings;
  if (epochs < settings.epochs)
    return {
      done: `was stopped early, ${counted(earlyStopping, 'epoch')} after its best`,
      more: `--early-stopping ${2 * earlyStopping}`,
    };
  return { done: `has trained all of its ${counted(epochs, 'epoch')}`, more: `--epochs ${2 * epochs}` };
}

interface Report extends Pick<TrainPlan, 'settings' | 'findFlags' | 'resumeFlags' | 'repeatFlags'> {
  /** The arguments that continue it. */
  next: string;
  json: boolean;
}

function report(result: TrainingResult, plan: Report): void {
  const { settings, next, json } = plan;
  const { run, position, metrics, best, finished } = result;
  const unknown = result.unknown && figuresOf(result.unknown);
  if (json) {
    const { epoch: epochs, step: steps } = position;
    const own = { run, finished, epochs, steps, metrics, best: best ?? null };
    console.log(JSON.stringify({ ...own, ...(unknown && { unknown }) }));
    return;
  }
  if (!result.saved) {
    console.log(
      `Stopped before the head was trained: ${run}\nNext: ${batSup(next)} (it continues from the cache)`,
    );
    return;
  }
  const done = describeDone(settings, position);
  console.log(finished ? `Trained ${done}: ${run}` : `Stopped after ${done}: ${run}`);
  if (metrics.accuracy !== undefined) console.log(describeMetrics(metrics));
  if (best && best.epoch < position.epoch) {
    if (finished && position.epoch < settings.epochs)
      console.log(`Stopped early, ${counted(settings.earlyStopping, 'epoch')} after the best.`);
    const which = best.epoch === 0 ? 'the network before these epochs' : best.epoch;
    console.log(`Best epoch, which predict uses: ${which}\n${describeMetrics(best.metrics)}`);
  }
  if (!finished) {
    console.log(`Next: ${batSup(next)}`);
    return;
  }
  if (unknown) console.log(describeUnknown(unknown));
  const command = (...words: string[]) => batSup([...words, ...plan.findFlags].join(' '));
  const steps = [
    [`${command('predict')} <pictures>`, 'classify pictures'],
    [command('evaluate'), 'see what it gets wrong'],
    [command('report'), 'everything on one page'],
  ].map(([command, what]) => [`  ${command}`, `# ${what}`]);
  console.log(`Next:\n${table(steps, [0, 1])}`);
  const advice = adviceFor({ settings, metrics, best, epoch: position.epoch });
  if (advice.length === 0) return;
  console.log('For a better network:');
  for (const one of advice)
    console.log(`  # ${one.why}\n  ${batSup(['train', ...flagsFollowing(one, plan)].join(' '))}`);
}

/** What is printed of a fitted rejection. */
const figuresOf = ({ pictures, rejected, leftOut }: NonNullable<TrainingResult['unknown']>) => ({
  pictures,
  rejected,
  leftOut: leftOut ?? null,
});

function describeUnknown({ pictures, rejected, leftOut }: ReturnType<typeof figuresOf>): string {
  const known = `Unknown: ${rejected} of ${counted(pictures, 'validation picture')} rejected`;
  if (!leftOut) return known;
  return `${known}; each class left out in turn: ROC-AUC ${figure(leftOut.rocAuc)}`;
}

function describeDone(settings: Settings, { epoch, step }: TrainingResult['position']): string {
  const { pretrained, from } = settings;
  if (isHeadOnly(settings)) return `a head for ${pretrained === 'off' ? from : pretrained}`;
  return `${epoch} of ${Math.max(settings.epochs, epoch)} epochs, ${counted(step, 'step')}`;
}

/** The flags of a training that follows the advice and is otherwise the same. */
function flagsFollowing({ flag, continues }: Advice, { resumeFlags, repeatFlags }: Report): string[] {
  if (continues) return ['--resume', ...resumeFlags, flag];
  const [name] = flag.split(' ');
  return [...repeatFlags.filter((given) => given.split(' ')[0] !== name), flag];
}
