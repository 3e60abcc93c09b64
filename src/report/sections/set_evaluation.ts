import type { SetEvaluation, SetFigures, SetTopLoss } from '../../evaluation/multi_label/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable, scrolling } from '../../html/page.ts';
import { counted, figure } from '../../text/format.ts';
import { lossItem } from './loss_item.ts';

function classTable({ classes, micro, macro }: SetEvaluation): Markup {
  const figures = ({ precision, recall, f1 }: SetFigures) => [precision, recall, f1].map(figure);
  return dataTable(
    'Each class',
    ['Class', 'Answered from', 'Precision', 'Recall', 'F1', 'Shown', 'Answered', 'Average precision'],
    [
      ...classes.map((one) => [
        one.class,
        figure(one.threshold),
        ...figures(one),
        one.support,
        one.answered,
        figure(one.averagePrecision),
      ]),
      ['macro average', '', ...figures(macro), '', '', ''],
      ['micro average', '', ...figures(micro), '', '', ''],
    ],
  );
}

function togetherTable({ classes, shown, answered }: SetEvaluation): Markup {
  const heads = classes.map((one) => html`<th scope="col">${one.class}</th>`);
  const rows = classes.map(({ class: name, support }, row) => {
    // At most 35 % colour, so that the text stays readable.
    const cells = classes.map((_, column) => {
      const count = answered[row]?.[column] as number;
      const share = support > 0 ? (35 * count) / support : 0;
      return html`<td style="--share: ${share.toFixed(0)}%">${count}/${shown[row]?.[column]}</td>`;
    });
    return html`<tr><th scope="row">${name}</th>${cells}</tr>\n`;
  });
  return scrolling(
    'Classes together',
    html`<table class="confusion">
<caption>Of the pictures that show the class of the row: how many are answered with that of the column / show it</caption>
<thead><tr><th scope="col">Class</th>${heads}</tr></thead>
<tbody>
${rows}</tbody></table>`,
  );
}

/** Metrics on the validation pictures, of classes that do not exclude each other. */
export function setEvaluationSection(evaluation: SetEvaluation): Markup {
  const { exact, pictures, meanAveragePrecision, micro } = evaluation;
  return html`<p>Mean average precision ${figure(meanAveragePrecision)}, F1 ${figure(micro.f1)} (micro average). ${exact} of
${counted(pictures, 'validation picture')} are answered with exactly their classes. The network was not trained on these
pictures; the thresholds were chosen on them.</p>
${classTable(evaluation)}
${togetherTable(evaluation)}`;
}

const listed = (names: string[]) => names.join(', ') || 'none';

function item(one: SetTopLoss, heatMap: string | undefined): Promise<Markup> {
  const text = `shows ${listed(one.classes)}, answered ${listed(one.answered)}`;
  const about = { alternative: `that ${text}`, caption: text, heatMap, heatMapClass: heatMapClass(one) };
  return lossItem({ file: one.file, loss: one.loss, ...about });
}

/** The class whose heat map is drawn: the first that is answered, or else that is shown; undefined where there is neither. */
export function heatMapClass({ answered, classes }: SetTopLoss): string | undefined {
  return answered[0] ?? classes[0];
}

/** The pictures with the highest losses. @param heatMaps data URLs by path. */
export async function setTopLossesSection(
  { topLosses }: SetEvaluation,
  heatMaps: Map<string, string>,
): Promise<Markup> {
  const items = await Promise.all(topLosses.map((one) => item(one, heatMaps.get(one.file))));
  return html`<p>Are these labelled correctly?</p>
<ul class="pictures" role="list">
${items}</ul>`;
}
