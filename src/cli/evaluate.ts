import { type Command, Option } from 'commander';
import { type Checkpoint, findIntact } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import { soonestEngine } from '../engine/engine.ts';
import { UsageError, UserError } from '../errors.ts';
import type { Answers } from '../evaluation/answers.ts';
import type { CheckpointEvaluation } from '../evaluation/evaluate_checkpoint.ts';
import type { EvaluationSet } from '../evaluation/evaluation_set.ts';
import { counted, csvLine } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { type CheckpointFlags, checkpointOptions, checkpointPlace, whichOf } from './chosen_checkpoint.ts';
import { evaluationTables } from './evaluation_tables.ts';
import { addExamples } from './examples.ts';
import { fileError, notice } from './notice.ts';
import { progressBar } from './progress.ts';
import { onRanks, readEngineSettings, readTogether } from './ranks.ts';
import { refuseShards } from './shard.ts';
import { refuseWithUnknown, runUnknownEvaluation, unknownOption } from './unknown_evaluation.ts';
import { wholeNumber } from './whole_number.ts';

interface EvaluateFlags extends CheckpointFlags, Record<string, unknown> {
  data?: string;
  topLosses: string;
  calibrate?: boolean;
  unknown?: string;
  minPrecision?: string;
  labels?: string;
  json?: boolean;
  csv?: boolean;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure how well a network classifies, class by class; calibrate its probabilities')
    .argument('[folder]', 'pictures by class, <folder>/<class>/* (default: those held back for validation)');
  checkpointOptions(command)
    .option('--top-losses <n>', 'how many of the worst predictions to list', '10')
    .option('--calibrate', 'fit the temperature that calibrates the probabilities; store it for predict')
    .option(
      '--min-precision <p>',
      'after train --multi-label: choose thresholds with this precision; store them for predict',
    )
    .option('--labels <file>', 'after train --multi-label: a labels file of the folder’s pictures')
    // Calibration used to be the default.
    .addOption(new Option('--no-calibrate').hideHelp())
    .option('--json', 'print everything as JSON')
    .option('--csv', 'print the prediction for each picture as CSV');
  command.addOption(unknownOption());
  refuseShards(
    command,
    'its metrics need all pictures; start it with mpirun, or join the output of predict --shard',
  );
  settingOptions(command, ['checkpoints', 'data', 'seed', 'engine', 'threads']).action((folder, flags) =>
    onRanks((world) => runEvaluation(folder, flags, world)),
  );
  addExamples(command, [
    ['bat-sup evaluate', 'metrics of the newest run on the pictures held back for validation'],
    ['bat-sup evaluate unseen', 'metrics on pictures of your own, unseen/<class>/*'],
    ['bat-sup evaluate --calibrate', 'also makes the probabilities of predict trustworthy'],
    ['bat-sup evaluate --unknown others', 'how many pictures of no class it recognises as such'],
    ['bat-sup evaluate --csv', 'the prediction for each picture'],
  ]);
}

/** The checkpoint and the pictures to evaluate it on. */
async function chooseWhat(folder: string | undefined, flags: EvaluateFlags, { checkpoints }: Settings) {
  const place = checkpointPlace(flags.checkpoint, checkpoints);
  const checkpoint = await findIntact(place, whichOf(flags), ['weights.bin'], notice);
  const { chooseEvaluationSet } = await import('../evaluation/evaluation_set.ts');
  checkKind(flags, checkpoint);
  return { checkpoint, set: await chooseEvaluationSet(folder, checkpoint, flags.data, notice, flags.labels) };
}

/** @throws {UsageError} where a flag is for the other kind of network. */
function checkKind({ calibrate, minPrecision }: EvaluateFlags, { folder, manifest }: Checkpoint): void {
  if (manifest.model.isMultiLabel && calibrate)
    throw new UsageError(
      `--calibrate is for classes that exclude each other, and ${folder} was trained with --multi-label; ` +
        'choose its thresholds with --min-precision.',
    );
  if (!manifest.model.isMultiLabel && minPrecision !== undefined)
    throw new UsageError(
      `--min-precision is for networks trained with --multi-label, and ${folder} is not; leave it out.`,
    );
}

function readMinPrecision(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const precision = value.trim() === '' ? Number.NaN : Number(value);
  if (!(precision > 0 && precision <= 1))
    throw wrongValue('--min-precision', 'a number above 0 and at most 1', value);
  return precision;
}

async function runEvaluation(
  folder: string | undefined,
  flags: EvaluateFlags,
  world: World | undefined,
): Promise<void> {
  // The flag is not the setting of that name.
  const settings = await readEngineSettings({ ...flags, unknown: undefined }, world);
  const topLosses = wholeNumber('--top-losses', flags.topLosses, 0);
  if (flags.json && flags.csv) throw new UsageError('--json and --csv exclude each other; give one.');
  if (flags.calibrate && folder !== undefined)
    throw new UsageError('--calibrate uses the pictures held back for validation; leave out the folder.');
  const minPrecision = readMinPrecision(flags.minPrecision);
  if (minPrecision !== undefined && folder !== undefined)
    throw new UsageError('--min-precision uses the pictures held back for validation; leave out the folder.');
  if (flags.labels !== undefined && folder === undefined)
    throw new UsageError('--labels is about the pictures of a folder; name it, too.');
  if (flags.unknown !== undefined) refuseWithUnknown(flags, world);
  const { checkpoint, set } = await readTogether(world, () => chooseWhat(folder, flags, settings));
  warnAboutClasses(set, checkpoint);
  if (flags.unknown !== undefined)
    return runUnknownEvaluation(flags.unknown, { checkpoint, set, settings }, flags.json);
  const { evaluateCheckpoint, helpEvaluate } = await import('../evaluation/evaluate_checkpoint.ts');
  const { startEngine } = await import('../engine/index.ts');
  const engine = await startEngine(soonestEngine(settings.engine, set.pictures.length), settings);
  if (world && world.rank > 0)
    return helpEvaluate(world, checkpoint, set.pictures).finally(() => engine.dispose());
  const bar = progressBar('Evaluating', set.pictures.length);
  const onProgress = (done: number) => bar.update(done);
  const stop = async () => {
    bar.stop();
    await engine.dispose();
  };
  if (checkpoint.manifest.model.isMultiLabel) {
    const { evaluateMultiLabel } = await import('../evaluation/multi_label/evaluate_checkpoint.ts');
    const { printSetEvaluation } = await import('./set_evaluation.ts');
    const options = { minPrecision, topLosses, world, onProgress };
    const result = await evaluateMultiLabel(checkpoint, set.pictures, options).finally(stop);
    for (const { file, reason } of result.unreadable) fileError(file, reason);
    for (const name of result.missed)
      notice(
        `${name} reaches no precision of ${minPrecision}; its threshold is that of its highest precision.`,
      );
    const { json, csv } = flags;
    await printSetEvaluation(result, set, checkpoint, {
      ...(json && { json }),
      ...(csv && { csv }),
      minPrecision,
    });
    return failOnLeftOut(set, result);
  }
  const result = await evaluateCheckpoint(checkpoint, set.pictures, {
    calibrate: flags.calibrate === true,
    seed: flags.seed === undefined ? checkpoint.manifest.training.seed : settings.seed,
    topLosses,
    world,
    onProgress,
  }).finally(stop);
  for (const { file, reason } of result.unreadable) fileError(file, reason);
  if (result.whyNotFitted) notice(`not calibrated: ${result.whyNotFitted}`);
  await print(result, set, checkpoint, flags);
  failOnLeftOut(set, result);
}

function warnAboutClasses({ name, unknown, missing }: EvaluationSet, { manifest }: Checkpoint): void {
  const known = manifest.model.classes.join(', ');
  for (const one of unknown)
    console.error(
      `skipped ${printable(`${name}/${one}`)}: the network has no class "${one}"; it has ${known}`,
    );
  if (missing.length > 0)
    console.error(`${name} holds no pictures of ${missing.join(', ')}; the metrics leave them out`);
}

/** @throws {UserError} where pictures or folders were left out. */
function failOnLeftOut(
  { unknown }: EvaluationSet,
  { unreadable, evaluation }: { unreadable: unknown[]; evaluation: { pictures: number } },
): void {
  const leftOut = [
    unreadable.length > 0 && `${counted(unreadable.length, 'picture')} could not be read`,
    unknown.length > 0 &&
      `${counted(unknown.length, 'folder')} ${unknown.length === 1 ? 'is not a class' : 'are not classes'} of the network`,
  ].filter(Boolean);
  if (leftOut.length > 0)
    throw new UserError(
      `${leftOut.join(', and ')}; the metrics cover the other ${counted(evaluation.pictures, 'picture')}.`,
    );
}

async function print(
  { evaluation, answers, unreadable, fitted }: CheckpointEvaluation,
  { name, unknown, missing }: EvaluationSet,
  { folder }: Checkpoint,
  flags: EvaluateFlags,
): Promise<void> {
  const { temperature } = evaluation.calibrated;
  if (flags.json) {
    const about = { checkpoint: folder, evaluated: name, unknownClasses: unknown, missingClasses: missing };
    console.log(JSON.stringify({ ...about, unreadable, ...evaluation, temperatureStored: fitted }));
    return;
  }
  if (flags.csv) {
    await printCsv(answers, temperature);
    return;
  }
  console.log(`${name}: ${counted(evaluation.pictures, 'picture')}\ncheckpoint ${folder}\n`);
  console.log(evaluationTables(evaluation));
  if (fitted)
    console.log(`\nStored the temperature ${temperature.toFixed(4)} with the checkpoint; predict uses it.`);
}

async function printCsv(answers: Answers, temperature: number): Promise<void> {
  const { logitsOf } = await import('../evaluation/answers.ts');
  const { crossEntropy, argmax, softmax } = await import('../evaluation/softmax.ts');
  const { classes, files, labels } = answers;
  console.log(csvLine(['file', 'class', 'predicted', 'probability', 'loss', ...classes]));
  for (const [picture, label] of labels.entries()) {
    const logits = logitsOf(answers, picture);
    const probabilities = softmax(logits, temperature);
    const best = argmax(logits);
    const names = [files[picture], classes[label], classes[best]] as string[];
    const values = [probabilities[best], crossEntropy(logits, label, temperature), ...probabilities];
    console.log(csvLine([...names, ...values.map(String)]));
  }
}
