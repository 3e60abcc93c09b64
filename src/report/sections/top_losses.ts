import type { Evaluation, TopLoss } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { thumbnail } from '../../html/thumbnail.ts';
import { figure, percent } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

const side = 136;

/** One picture with its answer, and beside it where the network saw that. */
async function item(one: TopLoss, heatMap: string | undefined): Promise<Markup> {
  const source = await thumbnail(one.file, side);
  const answer = `${one.predicted}, ${percent(one.probability)}`;
  const picture = source
    ? html`<img src="${source}" width="${side}" height="${side}" alt="A picture of class ${one.class}, answered ${answer}">`
    : html`<p>cannot be read any more</p>`;
  const heat =
    heatMap &&
    html`<img src="${heatMap}" width="${side}" height="${side}" alt="Heat map: where it looks like ${one.predicted} to the network">`;
  return html`<li><figure><div class="pair">${picture}${heat}</div><figcaption><code>${printable(one.file)}</code><br>
is ${one.class}, answered ${answer}; loss ${figure(one.loss)}</figcaption></figure></li>\n`;
}

/** The pictures that the network gets most wrong. @param heatMaps by file. */
export async function topLossesSection(
  { topLosses }: Evaluation,
  heatMaps: Map<string, string>,
): Promise<Markup> {
  const items = await Promise.all(topLosses.map((one) => item(one, heatMaps.get(one.file))));
  const legend =
    heatMaps.size > 0
      ? html`<p>Bright in the second picture is where it looks like its answer to the network (Grad-CAM).</p>`
      : undefined;
  return html`<p>Is one of these in the wrong folder? Move it, and train again.</p>
${legend}
<ul class="pictures" role="list">
${items}</ul>`;
}
