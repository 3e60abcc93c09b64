import { html, type Markup } from '../../html/markup.ts';
import { thumbnail } from '../../html/thumbnail.ts';
import { figure } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

const side = 136;

/** What is said of a picture with a high loss. */
interface LossItem {
  file: string;
  loss: number;
  /** Completes "Picture ...". */
  alternative: string;
  caption: string;
  /** Data URL, and the class that it is about. */
  heatMap: string | undefined;
  heatMapClass: string | undefined;
}

/** A picture with a high loss, and its heat map beside it. */
export async function lossItem({
  file,
  loss,
  alternative,
  caption,
  heatMap,
  heatMapClass,
}: LossItem): Promise<Markup> {
  const source = await thumbnail(file, side);
  const picture = source
    ? html`<img src="${source}" width="${side}" height="${side}" alt="Picture ${alternative}">`
    : html`<p>can no longer be read</p>`;
  const heat =
    heatMap &&
    html`<img src="${heatMap}" width="${side}" height="${side}" alt="Heat map: where the network sees ${heatMapClass}">`;
  return html`<li><figure><div class="pair">${picture}${heat}</div><figcaption><code>${printable(file)}</code><br>
${caption}; loss ${figure(loss)}</figcaption></figure></li>\n`;
}
