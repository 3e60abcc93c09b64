import type { Calibration } from '../../evaluation/evaluate.ts';
import { html, type Markup } from '../../html/markup.ts';
import { chart } from './frame.ts';

interface Curve extends Calibration {
  kind: 'first' | 'second';
  label: string;
}

/** Reliability diagram: share correct by predicted probability, with the diagonal of perfect calibration. */
export function reliabilityChart(id: string, curves: Curve[]): Markup {
  const errors = curves.map(
    ({ label, ece }) => `${label}: the expected calibration error is ${ece.toFixed(4)}.`,
  );
  const svg = chart(id, {
    title: 'Reliability curve',
    description: `Share correct by predicted probability. ${errors.join(' ')}`,
    x: { label: 'predicted probability', range: [0, 1] },
    y: { label: 'share correct', range: [0, 1] },
    draw(x, y) {
      const drawn = curves.map(({ kind, reliability }) => {
        const points = reliability.flatMap(({ confidence, accuracy }) =>
          confidence === null || accuracy === null ? [] : [[x(confidence), y(accuracy)] as const],
        );
        const dots = points.map(([cx, cy]) => html`<circle class="${kind}" cx="${cx}" cy="${cy}" r="3"/>`);
        return html`<polyline class="${kind}" points="${points.map((point) => point.join(',')).join(' ')}"/>${dots}\n`;
      });
      return html`<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>\n${drawn}`;
    },
  });
  return html`<figure class="chart">
${svg}
<figcaption>${curves.map(({ kind, label }) => html`<span class="key ${kind}"></span>${label} `)}<span class="key ideal"></span>ideal</figcaption>
</figure>`;
}
