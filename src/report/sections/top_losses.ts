import type { Evaluation, TopLoss } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { percent } from '../../text/format.ts';
import { lossItem } from './loss_item.ts';

/** One picture with its prediction, and the heat map beside it. */
function item(one: TopLoss, heatMap: string | undefined): Promise<Markup> {
  const text = `class ${one.class}, predicted ${one.predicted}, ${percent(one.probability)}`;
  const about = { alternative: `of ${text}`, caption: text, heatMap, heatMapClass: one.predicted };
  return lossItem({ file: one.file, loss: one.loss, ...about });
}

/** The pictures with the highest losses. @param heatMaps data URLs by path. */
export async function topLossesSection(
  { topLosses }: Evaluation,
  heatMaps: Map<string, string>,
): Promise<Markup> {
  const items = await Promise.all(topLosses.map((one) => item(one, heatMaps.get(one.file))));
  const legend =
    heatMaps.size > 0
      ? html`<p>The second picture is bright where the network sees the class it predicts (Grad-CAM).</p>`
      : undefined;
  return html`<p>Is one of these in the wrong folder? Move it and train again.</p>
${legend}
<ul class="pictures" role="list">
${items}</ul>`;
}
