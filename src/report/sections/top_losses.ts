import type { Evaluation, TopLoss } from '../../evaluation/evaluate.ts';
import { figure, percent } from '../../format.ts';
import { html, type Markup } from '../../html/markup.ts';
import { thumbnail } from '../../html/thumbnail.ts';
import { printable } from '../../printable.ts';

const side = 136;

/** One picture with its answer. What shows where the network has looked belongs here, beside the picture. */
async function item(one: TopLoss): Promise<Markup> {
  const source = await thumbnail(one.file, side);
  const answer = `${one.predicted}, ${percent(one.probability)}`;
  const picture = source
    ? html`<img src="${source}" width="${side}" height="${side}" alt="A picture of class ${one.class}, answered ${answer}">`
    : html`<p>cannot be read any more</p>`;
  return html`<li><figure>${picture}<figcaption><code>${printable(one.file)}</code><br>
is ${one.class}, answered ${answer}; loss ${figure(one.loss)}</figcaption></figure></li>\n`;
}

/** The pictures that the network gets most wrong. */
export async function topLossesSection({ topLosses }: Evaluation): Promise<Markup> {
  const items = await Promise.all(topLosses.map(item));
  return html`<p>Is one of these in the wrong folder? Move it, and train again.</p>
<ul class="pictures" role="list">
${items}</ul>`;
}
