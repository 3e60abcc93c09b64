import type { Average, Evaluation } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable, scrolling } from '../../html/page.ts';
import { figure, percent } from '../../text/format.ts';
import { reliabilityChart } from '../charts/reliability_chart.ts';

function confusionTable({ classes, confusion }: Evaluation): Markup {
  const heads = classes.map((one) => html`<th scope="col">${one.class}</th>`);
  const rows = confusion.map((row, label) => {
    const { class: name, support } = classes[label] as Evaluation['classes'][0];
    // Light enough for the text on it.
    const cells = row.map((count) => {
      const share = support > 0 ? (35 * count) / support : 0;
      return html`<td style="--share: ${share.toFixed(0)}%">${count}</td>`;
    });
    return html`<tr><th scope="row">${name}</th>${cells}</tr>\n`;
  });
  return scrolling(
    'Confusion matrix',
    html`<table class="confusion">
<caption>Confusion matrix: a row for each true class, a column for each answer</caption>
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
  const before = { ...uncalibrated, kind: 'second' as const, label: 'as trained' };
  const after = { ...calibrated, kind: 'first' as const, label: 'calibrated' };
  const text = isCalibrated
    ? `Divided by the temperature ${figure(calibrated.temperature)}, the logits give probabilities whose expected calibration error is ${figure(calibrated.ece)}; as trained it is ${figure(uncalibrated.ece)}.`
    : `The probabilities are as trained; their expected calibration error is ${figure(uncalibrated.ece)}. “bat-sup evaluate --calibrate” makes them believable.`;
  return html`<p>${text}</p>\n${reliabilityChart('reliability', isCalibrated ? [after, before] : [before])}`;
}

/** How good the network is on the pictures held back. */
export function evaluationSection(evaluation: Evaluation): Markup {
  const { right, pictures, accuracy, accuracyInterval } = evaluation;
  const [low, high] = accuracyInterval.map(percent);
  return html`<p>${right} of ${pictures} pictures that the network has not learnt from are answered right:
${percent(accuracy)}, with a 95 % confidence interval from ${low} to ${high}.</p>
${confusionTable(evaluation)}
${classTable(evaluation)}
<h3>Calibration</h3>
${calibration(evaluation)}`;
}
