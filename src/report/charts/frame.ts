import { html, type Markup } from '../../html/markup.ts';
import { linear, roundTicks } from './scale.ts';

/** User units; so few that the text is readable on a phone. */
const width = 360;
const height = 250;
const area = { left: 46, right: 350, top: 10, bottom: 210 };

interface Axis {
  label: string;
  range: [number, number];
  /** Puts ticks at whole numbers only. */
  whole?: boolean;
}

interface Frame {
  /** Accessible name of the chart. */
  title: string;
  /** Accessible description of the chart. */
  description: string;
  x: Axis;
  y: Axis;
  /** Draws the content; `x` and `y` turn values into positions in the SVG. */
  draw(x: (value: number) => number, y: (value: number) => number): Markup;
}

const rounded = (value: number) => Number(value.toFixed(1));

/** A chart as SVG: axes with the content in between. @param id unique within the page. */
export function chart(id: string, { title, description, x, y, draw }: Frame): Markup {
  const toX = (value: number) => rounded(linear(x.range, [area.left, area.right])(value));
  const toY = (value: number) => rounded(linear(y.range, [area.bottom, area.top])(value));
  const ticksOf = ({ range, whole }: Axis) =>
    roundTicks(...range).filter((tick) => !whole || Number.isInteger(tick));
  const columns = ticksOf(x).map(
    (tick) => html`<text x="${toX(tick)}" y="${area.bottom + 16}" text-anchor="middle">${tick}</text>\n`,
  );
  const rows = ticksOf(y).map(
    (
      tick,
    ) => html`<line class="grid" x1="${area.left}" x2="${area.right}" y1="${toY(tick)}" y2="${toY(tick)}"/>
<text x="${area.left - 6}" y="${toY(tick) + 4}" text-anchor="end">${tick}</text>\n`,
  );
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${title}</title>
<desc id="${id}-description">${description}</desc>
${rows}${columns}<text x="${(area.left + area.right) / 2}" y="${height - 6}" text-anchor="middle">${x.label}</text>
<text transform="translate(12 ${(area.top + area.bottom) / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>
${draw(toX, toY)}
</svg>`;
}
