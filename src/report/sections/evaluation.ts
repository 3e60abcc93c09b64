import type { Average, Evaluation } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable, scrolling } from '../../html/page.ts';
import { counted, figure, percent } from '../../text/format.ts';
import { reliabilityChart } from '../charts/reliability_chart.ts';

function confusionTable({ classes, confusion }: Evaluation): Markup {
  const heads = classes.map((one) => html`<th scope="col">${one.class}</th>`);
  const rows = confusion.map((row, label) => {
    const { class: name, support } = classes[label] as Evaluation['classes'][0];
    // At most 35 % colour, so that the text stays readable.
    const cells = row.map((count) => {
      const share = support > 0 ? (35 * count) / support : 0;
      return html`<td style="--share: ${share.toFixed(0)}%">${count}</td>`;
    });
    return html`<tr><th scope="row">${name}</th>${cells}</tr>\n`;
  });
  return scrolling(
    'Confusion matrix',
    html`<table class="confusion">
<caption>Confusion matrix: true classes in rows, predicted classes in columns</caption>
<thead><tr><th scope="col">Class</th>${heads}</tr></thead>
<tbody>
${rows}</tbody></table>`,
  );
}

function classTable({ classes, macro, weighted, pictures }: Evaluation): Markup {
  const row = (name: string, one: Average, support: number) => [
    name,
    ...[one.precision, one.recall, one.f1].map(figure),
    support,
    ...[one.rocAuc, one.prAuc].map(figure),
  ];
  return dataTable(
    'Each class against the rest',
    ['Class', 'Precision', 'Recall', 'F1', 'Pictures', 'ROC-AUC', 'PR-AUC'],
    [
      ...classes.map((one) => row(one.class, one, one.support)),
      row('macro average', macro, pictures),
      row('weighted average', weighted, pictures),
    ],
  );
}

function calibration({ calibrated, uncalibrated }: Evaluation): Markup {
  const isCalibrated = calibrated.temperature !== 1;
  const before = { ...uncalibrated, kind: 'second' as const, label: 'uncalibrated' };
  const after = { ...calibrated, kind: 'first' as const, label: 'calibrated' };
  const text = isCalibrated
    ? `Calibration (temperature ${figure(calibrated.temperature)}) changes the expected calibration error from ${figure(uncalibrated.ece)} to ${figure(calibrated.ece)}.`
    : `The probabilities are not calibrated; their expected calibration error is ${figure(uncalibrated.ece)}. “bat-sup evaluate --calibrate” calibrates them.`;
  return html`<p>${text}</p>\n${reliabilityChart('reliability', isCalibrated ? [after, before] : [before])}`;
}

/** Metrics on the validation pictures. */
export function evaluationSection(evaluation: Evaluation): Markup {
  const { right, pictures, accuracy, accuracyInterval } = evaluation;
  const [low, high] = accuracyInterval.map(percent);
  return html`<p>${right} of ${counted(pictures, 'validation picture')} classified correctly: accuracy ${percent(accuracy)}, with a 95 %
confidence interval from ${low} to ${high}. The network was not trained on these pictures.</p>
${confusionTable(evaluation)}
${classTable(evaluation)}
<h3>Calibration</h3>
${calibration(evaluation)}`;
}
