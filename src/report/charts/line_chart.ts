import { html, type Markup } from '../../html/markup.ts';
import { chart } from './frame.ts';

export interface Line {
  /** Selects colour and dash pattern in the style sheet. */
  kind: 'first' | 'second';
  label: string;
  points: { x: number; y: number }[];
}

function draw({ kind, points }: Line, x: (value: number) => number, y: (value: number) => number): Markup {
  const [only] = points;
  if (points.length === 1 && only)
    return html`<circle class="${kind}" cx="${x(only.x)}" cy="${y(only.y)}" r="3"/>`;
  const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
  return html`<polyline class="${kind}" points="${path}"/>\n`;
}

/** Line chart over the epochs, with a legend below. @param id unique within the page. */
export function lineChart(
  id: string,
  { title, y, lines }: { title: string; y: { label: string; range: [number, number] }; lines: Line[] },
): Markup {
  const drawn = lines.filter(({ points }) => points.length > 0);
  const epochs = drawn.flatMap(({ points }) => points.map((point) => point.x));
  const range: [number, number] = [Math.min(...epochs), Math.max(...epochs)];
  const ends = drawn.map(({ label, points }) => {
    const [first, last] = [points[0], points.at(-1)] as [Line['points'][0], Line['points'][0]];
    return `${label} goes from ${first.y.toFixed(4)} in epoch ${first.x} to ${last.y.toFixed(4)} in epoch ${last.x}.`;
  });
  const svg = chart(id, {
    title,
    description: ends.join(' '),
    x: { label: 'epoch', range, whole: true },
    y,
    draw: (toX, toY) => html`${drawn.map((line) => draw(line, toX, toY))}`,
  });
  return html`<figure class="chart">
${svg}
<figcaption>${drawn.map(({ kind, label }) => html`<span class="key ${kind}"></span>${label} `)}</figcaption>
</figure>`;
}
