import type { Average, Evaluation } from '../evaluation/evaluate.ts';
import { figure } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { table } from '../text/table.ts';

/** An evaluation as tables for a terminal, apart by empty lines. */
export function evaluationTables(evaluation: Evaluation): string {
  const parts = [
    table(summaryRows(evaluation), [0, 2]),
    table(classRows(evaluation), [0]),
    `Confusion matrix: one row per true class, one column per prediction\n${table(confusionRows(evaluation), [0])}`,
    `Reliability: predicted probability against share correct\n${table(reliabilityRows(evaluation), [0])}`,
  ];
  if (evaluation.topLosses.length > 0)
    parts.push(`Highest losses: are these labelled correctly?\n${table(topLossRows(evaluation), [1, 2, 3])}`);
  return parts.join('\n\n');
}

const interval = (bounds: [number, number] | null) =>
  bounds ? `95 % interval ${figure(bounds[0])} to ${figure(bounds[1])}` : 'no interval';

function summaryRows(evaluation: Evaluation): string[][] {
  const { right, pictures, macro, intervals, calibrated, uncalibrated } = evaluation;
  const isCalibrated = calibrated.temperature !== 1;
  const before = (value: number) => (isCalibrated ? `; ${figure(value)} uncalibrated` : '');
  const temperature = isCalibrated ? ` at temperature ${figure(calibrated.temperature)}` : ', uncalibrated';
  return [
    [
      'accuracy',
      figure(evaluation.accuracy),
      `${right} of ${pictures}, ${interval(evaluation.accuracyInterval)}`,
    ],
    ['F1', figure(macro.f1), `macro average, ${interval(intervals.f1)}`],
    ['ROC-AUC', figure(macro.rocAuc), `macro average, one-vs-rest, ${interval(intervals.rocAuc)}`],
    ['PR-AUC', figure(macro.prAuc), `macro average, ${interval(intervals.prAuc)}`],
    ['loss', figure(calibrated.loss), `cross-entropy in nats${before(uncalibrated.loss)}`],
    ['ECE', figure(calibrated.ece), `calibration error${temperature}${before(uncalibrated.ece)}`],
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
    ['probability', 'pictures', 'predicted', 'correct'],
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
  return [['loss', 'class', 'prediction', 'file'], ...rows];
}
