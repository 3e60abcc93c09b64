import { type Command, Option } from 'commander';
import { type Checkpoint, findWhole } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import type { Answers } from '../evaluation/answers.ts';
import type { Average, Evaluation } from '../evaluation/evaluate.ts';
import type { CheckpointEvaluation } from '../evaluation/evaluate_checkpoint.ts';
import type { FolderPictures } from '../evaluation/pictures.ts';
import { figure } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { checkpointPlace } from './chosen_checkpoint.ts';
import { csvLine } from './csv.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { onRanks, readEngineSettings, readTogether } from './ranks.ts';
import { refuseShards } from './shard.ts';
import { startEngineFor } from './start_engine.ts';
import { table } from './table.ts';
import { wholeNumber } from './whole_number.ts';

interface EvaluateFlags extends Record<string, unknown> {
  checkpoint?: string;
  newest?: boolean;
  data?: string;
  topLosses: string;
  calibrate?: boolean;
  json?: boolean;
  csv?: boolean;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('show how good a network is, class by class, or calibrate its probabilities')
    .argument('[folder]', 'pictures by class, <folder>/<class>/* (default: those held back for validation)')
    .option('--checkpoint <folder>', 'checkpoint or run to use (default: the best of the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .option('--top-losses <n>', 'pictures to name whose answers are the worst', '10')
    .option(
      '--calibrate',
      'fit the temperature that makes probabilities believable, and store it for predict',
    )
    // As it was called when evaluate did that by itself.
    .addOption(new Option('--no-calibrate').hideHelp())
    .option('--json', 'print everything as JSON')
    .option('--csv', 'print each picture’s answer as CSV');
  refuseShards(
    command,
    'its figures are of all pictures; start it by mpirun, or join what predict --shard says',
  );
  settingOptions(command, ['checkpoints', 'data', 'seed', 'engine', 'threads']).action((folder, flags) =>
    onRanks((world) => runEvaluation(folder, flags, world)),
  );
  addExamples(command, [
    ['bat-sup evaluate', 'how good the newest run is on the pictures held back, class by class'],
    ['bat-sup evaluate unseen', 'the same on pictures of your own, unseen/<class>/*'],
    ['bat-sup evaluate --calibrate', 'the same, and probabilities of predict that can be believed'],
    ['bat-sup evaluate --csv', 'each picture’s answer'],
  ]);
}

/** Pictures held back for validation have no folder. */
interface Exam extends FolderPictures {
  name: string;
  isValidation: boolean;
}

async function choosePictures(
  folder: string | undefined,
  checkpoint: Checkpoint,
  data: string | undefined,
): Promise<Exam> {
  const { picturesOf, validationPictures } = await import('../evaluation/pictures.ts');
  if (folder !== undefined) {
    const { classes } = checkpoint.manifest.model;
    return { name: folder, isValidation: false, ...(await picturesOf(folder, classes)) };
  }
  const pictures = await validationPictures(checkpoint, data);
  const { describeRemadeData } = await import('../evaluation/remade_data.ts');
  const remade = await describeRemadeData(checkpoint, data);
  if (remade) notice(remade);
  const name = 'Held back for validation';
  return { name, isValidation: true, pictures, unknown: [], missing: [] };
}

/** The checkpoint and the pictures, the same on all ranks. */
async function plan(folder: string | undefined, flags: EvaluateFlags, checkpoints: string) {
  const which = flags.newest ? 'newest' : 'best';
  const checkpoint = await findWhole(
    checkpointPlace(flags.checkpoint, checkpoints),
    which,
    ['weights.bin'],
    notice,
  );
  return { checkpoint, exam: await choosePictures(folder, checkpoint, flags.data) };
}

async function runEvaluation(
  folder: string | undefined,
  flags: EvaluateFlags,
  world: World | undefined,
): Promise<void> {
  const settings = await readEngineSettings(flags, world);
  const topLosses = wholeNumber('--top-losses', flags.topLosses, 0);
  if (flags.json && flags.csv) throw new UsageError('--json and --csv exclude each other; give one.');
  if (flags.calibrate && folder !== undefined)
    throw new UsageError('--calibrate goes by the pictures held back for validation; leave out the folder.');
  const { checkpoint, exam } = await readTogether(world, () => plan(folder, flags, settings.checkpoints));
  warn(exam, checkpoint);
  const { evaluateCheckpoint, helpEvaluate } = await import('../evaluation/evaluate_checkpoint.ts');
  const engine = await startEngineFor(settings, exam.pictures.length);
  if (world && world.rank > 0)
    return helpEvaluate(world, checkpoint, exam.pictures).finally(() => engine.dispose());
  const bar: ProgressBar = progressBar('Evaluating', exam.pictures.length);
  const result = await evaluateCheckpoint(checkpoint, exam.pictures, {
    calibrate: flags.calibrate === true,
    seed: flags.seed === undefined ? checkpoint.manifest.training.seed : settings.seed,
    topLosses,
    world,
    onProgress: (done) => bar.update(done),
  }).finally(async () => {
    bar.stop();
    await engine.dispose();
  });
  for (const { file, reason } of result.unreadable) console.error(`bat-sup: ${printable(file)}: ${reason}`);
  if (result.whyNotFitted) notice(`not calibrated: ${result.whyNotFitted}`);
  await print(result, exam, checkpoint, flags);
  failOnRest(exam, result);
}

function warn({ name, unknown, missing }: Exam, { manifest }: Checkpoint): void {
  const known = manifest.model.classes.join(', ');
  for (const one of unknown)
    console.error(
      `skipped ${printable(`${name}/${one}`)}: the network knows no class "${one}"; it knows ${known}`,
    );
  if (missing.length > 0)
    console.error(`${name} holds no pictures of ${missing.join(', ')}; the figures say nothing about them`);
}

/** @throws {UserError} where something of the folder was left out. */
function failOnRest({ unknown }: Exam, { unreadable, evaluation }: CheckpointEvaluation): void {
  const rest = [
    unreadable.length > 0 && `${unreadable.length} of the pictures could not be read`,
    unknown.length > 0 && `${unknown.length} of the folders are no class of the network`,
  ].filter(Boolean);
  if (rest.length > 0)
    throw new UserError(`${rest.join(', and ')}; the figures are of the other ${evaluation.pictures}.`);
}

async function print(
  { evaluation, answers, unreadable, fitted }: CheckpointEvaluation,
  exam: Exam,
  checkpoint: Checkpoint,
  flags: EvaluateFlags,
): Promise<void> {
  const { folder } = checkpoint;
  const { temperature } = evaluation.calibrated;
  if (flags.json) {
    const { name, unknown, missing } = exam;
    const about = { checkpoint: folder, evaluated: name, unknownClasses: unknown, missingClasses: missing };
    console.log(JSON.stringify({ ...about, unreadable, ...evaluation, temperatureStored: fitted }));
    return;
  }
  if (flags.csv) {
    await printCsv(answers, temperature);
    return;
  }
  console.log(`${exam.name}: ${evaluation.pictures} pictures\ncheckpoint ${folder}\n`);
  console.log(describe(evaluation));
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

const interval = (of: [number, number] | null) =>
  of ? `95 % interval ${figure(of[0])} to ${figure(of[1])}` : 'no interval';

function describe(evaluation: Evaluation): string {
  const parts = [
    table(summaryRows(evaluation), [0, 2]),
    table(classRows(evaluation), [0]),
    `Confusion: true classes downwards, answers to the right\n${table(confusionRows(evaluation), [0])}`,
    `Reliability: what the answers claim, and what they keep\n${table(reliabilityRows(evaluation), [0])}`,
  ];
  if (evaluation.topLosses.length > 0)
    parts.push(`Highest losses: are these labelled right?\n${table(topLossRows(evaluation), [1, 2, 3])}`);
  return parts.join('\n\n');
}

function summaryRows(evaluation: Evaluation): string[][] {
  const { right, pictures, macro, intervals, calibrated, uncalibrated } = evaluation;
  const isCalibrated = calibrated.temperature !== 1;
  const before = (value: number) => (isCalibrated ? `; ${figure(value)} uncalibrated` : '');
  const temperature = isCalibrated ? `at temperature ${figure(calibrated.temperature)}` : 'uncalibrated';
  const share = `${right} of ${pictures}`;
  return [
    ['accuracy', figure(evaluation.accuracy), `${share}, ${interval(evaluation.accuracyInterval)}`],
    ['F1', figure(macro.f1), `macro, ${interval(intervals.f1)}`],
    ['ROC-AUC', figure(macro.rocAuc), `macro, each class against the rest, ${interval(intervals.rocAuc)}`],
    ['PR-AUC', figure(macro.prAuc), `macro, average precision, ${interval(intervals.prAuc)}`],
    ['loss', figure(calibrated.loss), `nats${before(uncalibrated.loss)}`],
    ['ECE', figure(calibrated.ece), `calibration error ${temperature}${before(uncalibrated.ece)}`],
  ];
}

function classRows({ classes, macro, weighted, pictures }: Evaluation): string[][] {
  const row = (name: string, one: Average, support: number) => [
    name,
    ...[one.precision, one.recall, one.f1].map(figure),
    String(support),
    figure(one.rocAuc),
    figure(one.prAuc),
  ];
  return [
    ['class', 'precision', 'recall', 'F1', 'support', 'ROC-AUC', 'PR-AUC'],
    ...classes.map((one) => row(one.class, one, one.support)),
    row('macro average', macro, pictures),
    row('weighted average', weighted, pictures),
  ];
}

function confusionRows({ classes, confusion }: Evaluation): string[][] {
  const names = classes.map((one) => one.class);
  return [['', ...names], ...confusion.map((row, label) => [names[label] as string, ...row.map(String)])];
}

function reliabilityRows({ calibrated }: Evaluation): string[][] {
  const bins = calibrated.reliability.filter(({ pictures }) => pictures > 0);
  return [
    ['probability', 'pictures', 'claimed', 'right'],
    ...bins.map(({ from, to, pictures, confidence, accuracy }) => [
      `${from.toFixed(2)} to ${to.toFixed(2)}`,
      String(pictures),
      figure(confidence),
      figure(accuracy),
    ]),
  ];
}

function topLossRows({ topLosses }: Evaluation): string[][] {
  const rows = topLosses.map((one) => [
    figure(one.loss),
    one.class,
    `${one.predicted} ${figure(one.probability)}`,
    printable(one.file),
  ]);
  return [['loss', 'class', 'answer', 'file'], ...rows];
}
