import type { Checkpoint } from '../checkpoints/index.ts';
import type { EvaluationSet } from '../evaluation/evaluation_set.ts';
import type { SetAnswers, SetEvaluation, SetFigures } from '../evaluation/multi_label/evaluate.ts';
import type { CheckpointSetEvaluation } from '../evaluation/multi_label/evaluate_checkpoint.ts';
import { counted, csvLine, figure } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { table } from '../text/table.ts';

function summaryRows({ exact, pictures, exactMatch, meanAveragePrecision, micro, loss }: SetEvaluation) {
  return [
    ['mAP', figure(meanAveragePrecision), 'mean average precision of the classes'],
    ['F1', figure(micro.f1), 'micro average: of all answers together'],
    ['exact', figure(exactMatch), `${exact} of ${pictures} answered with exactly their classes`],
    ['loss', figure(loss), 'sigmoid cross-entropy in nats, per class'],
  ];
}

function classRows({ classes, micro, macro }: SetEvaluation): string[][] {
  const figures = ({ precision, recall, f1 }: SetFigures) => [precision, recall, f1].map(figure);
  return [
    ['class', 'from', 'precision', 'recall', 'F1', 'shown', 'answered', 'AP'],
    ...classes.map((one) => [
      one.class,
      figure(one.threshold),
      ...figures(one),
      String(one.support),
      String(one.answered),
      figure(one.averagePrecision),
    ]),
    ['macro average', '', ...figures(macro), '', '', ''],
    ['micro average', '', ...figures(micro), '', '', ''],
  ];
}

function togetherRows({ classes, shown, answered }: SetEvaluation): string[][] {
  const names = classes.map((one) => one.class);
  const cell = (row: number, column: number) => `${answered[row]?.[column]}/${shown[row]?.[column]}`;
  return [
    ['', ...names],
    ...names.map((name, row) => [name, ...names.map((_, column) => cell(row, column))]),
  ];
}

const listed = (names: string[]) => names.join(', ') || 'none';

/** An evaluation of classes that do not exclude each other as tables for a terminal, apart by empty lines. */
export function setEvaluationTables(evaluation: SetEvaluation): string {
  const parts = [
    table(summaryRows(evaluation), [0, 2]),
    table(classRows(evaluation), [0]),
    `Together: of the pictures that show the class of the row, how many are answered\nwith that of the column / show it\n${table(togetherRows(evaluation), [0])}`,
  ];
  const rows = evaluation.topLosses.map((one) => [
    figure(one.loss),
    listed(one.classes),
    listed(one.answered),
    printable(one.file),
  ]);
  if (rows.length > 0)
    parts.push(
      `Highest losses: are these labelled correctly?\n${table([['loss', 'shows', 'answered', 'file'], ...rows], [1, 2, 3])}`,
    );
  return parts.join('\n\n');
}

async function printCsv(
  { classes, files, labelSets, logits }: SetAnswers,
  thresholds: number[],
): Promise<void> {
  const { sigmoid } = await import('../evaluation/multi_label/sigmoid.ts');
  console.log(csvLine(['file', 'classes', 'answered', ...classes]));
  const names = (labels: number[]) => labels.map((label) => classes[label]).join(';');
  for (const [picture, labels] of labelSets.entries()) {
    const values = classes.map((_, label) => sigmoid(logits[picture * classes.length + label] as number));
    const answered = [...values.keys()].filter(
      (label) => (values[label] as number) >= (thresholds[label] as number),
    );
    console.log(csvLine([files[picture] as string, names(labels), names(answered), ...values.map(String)]));
  }
}

/** Prints an evaluation of classes that do not exclude each other in the format that the flags ask for. */
export async function printSetEvaluation(
  { evaluation, answers, unreadable }: CheckpointSetEvaluation,
  { name, unknown, missing }: EvaluationSet,
  { folder }: Checkpoint,
  flags: { json?: boolean; csv?: boolean; minPrecision?: number | undefined },
): Promise<void> {
  const isStored = flags.minPrecision !== undefined;
  if (flags.json) {
    const about = { checkpoint: folder, evaluated: name, unknownClasses: unknown, missingClasses: missing };
    console.log(JSON.stringify({ ...about, unreadable, ...evaluation, thresholdsStored: isStored }));
    return;
  }
  if (flags.csv)
    return printCsv(
      answers,
      evaluation.classes.map(({ threshold }) => threshold),
    );
  console.log(`${name}: ${counted(evaluation.pictures, 'picture')}\ncheckpoint ${folder}\n`);
  console.log(setEvaluationTables(evaluation));
  if (isStored) console.log('\nStored the thresholds with the checkpoint; predict uses them.');
}
