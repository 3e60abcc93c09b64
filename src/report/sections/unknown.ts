import type { UnknownOfCheckpoint } from '../../checkpoints/index.ts';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import { counted, figure, percent } from '../../text/format.ts';
import { chart } from '../charts/frame.ts';

type LeftOut = NonNullable<UnknownOfCheckpoint['leftOut']>;

function tradeOffChart({ tradeOff }: LeftOut): Markup {
  const listed = tradeOff.map(({ rejected, caught }) => `${percent(caught)} at ${percent(rejected)}`);
  const svg = chart('trade-off', {
    title: 'Unknown pictures caught by known pictures rejected',
    description: `Unknown caught at known rejected: ${listed.join(', ')}.`,
    x: { label: 'known rejected', range: [0, 0.5] },
    y: { label: 'unknown caught', range: [0, 1] },
    draw(x, y) {
      const points = tradeOff.map(({ rejected, caught }) => [x(rejected), y(caught)] as const);
      const dots = points.map(([cx, cy]) => html`<circle class="first" cx="${cx}" cy="${cy}" r="3"/>`);
      return html`<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(0.5)}" y2="${y(0.5)}"/>
<polyline class="first" points="${points.map((point) => point.join(',')).join(' ')}"/>${dots}\n`;
    },
  });
  return html`<figure class="chart">
${svg}
<figcaption><span class="key first"></span>by the distance <span class="key ideal"></span>by chance</figcaption>
</figure>`;
}

function leftOutMarkup(leftOut: LeftOut): Markup {
  const { classes, rocAuc, softmaxRocAuc, tradeOff } = leftOut;
  return html`<p>With each of ${counted(classes, 'class', 'classes')} left out in turn, its validation pictures are told from the others with a
ROC-AUC of ${figure(rocAuc)} on average, by the highest probability alone with ${figure(softmaxRocAuc)}. Pictures that are new to the
network’s features, too, are told apart less well where all of it was trained on the classes.</p>
${tradeOffChart(leftOut)}
${dataTable(
  'What a limit costs: mean over the classes left out',
  ['Known rejected', 'Unknown caught'],
  tradeOff.map(({ rejected, caught }) => [percent(rejected), percent(caught)]),
)}`;
}

/** How the network answers "unknown", and what that costs. */
export function unknownSection({ pictures, rejected, share, leftOut }: UnknownOfCheckpoint): Markup {
  return html`<p>A picture beyond a distance of 1 from what the network knows is answered “unknown”. The limit was chosen on the
validation pictures so that of unseen pictures of the classes at most ${percent(share)} are, on average; of these ${pictures} it is ${rejected}.</p>
${leftOut ? leftOutMarkup(leftOut) : html``}`;
}
