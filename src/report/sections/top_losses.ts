import type { Evaluation, TopLoss } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { thumbnail } from '../../html/thumbnail.ts';
import { figure, percent } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

const side = 136;

/** One picture with its prediction, and the heat map beside it. */
async function item(one: TopLoss, heatMap: string | undefined): Promise<Markup> {
  const source = await thumbnail(one.file, side);
  const answer = `${one.predicted}, ${percent(one.probability)}`;
  const picture = source
    ? html`<img src="${source}" width="${side}" height="${side}" alt="Picture of class ${one.class}, predicted ${answer}">`
    : html`<p>can no longer be read</p>`;
  const heat =
    heatMap &&
    html`<img src="${heatMap}" width="${side}" height="${side}" alt="Heat map: where the network sees ${one.predicted}">`;
  return html`<li><figure><div class="pair">${picture}${heat}</div><figcaption><code>${printable(one.file)}</code><br>
class ${one.class}, predicted ${answer}; loss ${figure(one.loss)}</figcaption></figure></li>\n`;
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
