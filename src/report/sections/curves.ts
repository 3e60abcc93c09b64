import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { EpochRecord } from '../../runs/history.ts';
import { bestEpoch } from '../../runs/list.ts';
import { figure } from '../../text/format.ts';
import { type Line, lineChart } from '../charts/line_chart.ts';
import type { ReportContents } from '../contents.ts';

type Metric = 'loss' | 'accuracy' | 'validationLoss' | 'validationAccuracy';

function lineOf(history: EpochRecord[], metric: Metric, kind: Line['kind'], label: string): Line {
  const points = history.flatMap((one) => {
    const value = one[metric];
    return value === undefined ? [] : [{ x: one.epoch, y: value }];
  });
  return { kind, label, points };
}

/** Loss and accuracy of each epoch. */
export function curvesSection({ history, checkpoints }: ReportContents): Markup {
  if (history.length === 0) return html`<p>The run has no record of its epochs.</p>`;
  const losses = [
    lineOf(history, 'loss', 'first', 'training'),
    lineOf(history, 'validationLoss', 'second', 'validation'),
  ];
  const accuracies = [
    lineOf(history, 'accuracy', 'first', 'training'),
    lineOf(history, 'validationAccuracy', 'second', 'validation'),
  ];
  const highest = losses
    .flatMap(({ points }) => points.map(({ y }) => y))
    .reduce((a, b) => Math.max(a, b), 0);
  const best = bestEpoch({ history, checkpoints });
  return html`${best && html`<p>The best epoch is ${best.epoch}: validation accuracy ${figure(best.validationAccuracy)}.</p>`}
<div class="charts">
${lineChart('loss', { title: 'Loss', y: { label: 'loss, nats', range: [0, highest || 1] }, lines: losses })}
${lineChart('accuracy', { title: 'Accuracy', y: { label: 'accuracy', range: [0, 1] }, lines: accuracies })}
</div>
<details><summary>Loss and accuracy of each epoch</summary>
${dataTable(
  'Epochs',
  ['Epoch', 'Loss', 'Accuracy', 'Validation loss', 'Validation accuracy'],
  history.map((one) => [
    one.epoch,
    ...[one.loss, one.accuracy, one.validationLoss, one.validationAccuracy].map(figure),
  ]),
)}
</details>`;
}
