import { html, type Markup } from '../html/markup.ts';
import { page } from '../html/page.ts';
import { figure, percent } from '../text/format.ts';
import type { ReportContents } from './contents.ts';
import { curvesSection } from './sections/curves.ts';
import { dataSection } from './sections/data.ts';
import { environmentSection } from './sections/environment.ts';
import { evaluationSection } from './sections/evaluation.ts';
import { networkSection } from './sections/network.ts';
import { reproduceSection } from './sections/reproduce.ts';
import { setEvaluationSection, setTopLossesSection } from './sections/set_evaluation.ts';
import { speedSection } from './sections/speed.ts';
import { topLossesSection } from './sections/top_losses.ts';
import { unknownSection } from './sections/unknown.ts';
import { style } from './style.ts';

interface Section {
  id: string;
  title: string;
  content: Markup;
}

async function sectionsOf(contents: ReportContents): Promise<Section[]> {
  const { evaluation } = contents;
  const results =
    'missing' in evaluation
      ? [
          {
            id: 'evaluation',
            title: 'Evaluation',
            content: html`<p>Not evaluated: ${evaluation.missing}</p>`,
          },
        ]
      : 'exactMatch' in evaluation
        ? [
            { id: 'evaluation', title: 'Evaluation', content: setEvaluationSection(evaluation) },
            {
              id: 'top-losses',
              title: 'Highest losses',
              content: await setTopLossesSection(evaluation, contents.heatMaps),
            },
          ]
        : [
            { id: 'evaluation', title: 'Evaluation', content: evaluationSection(evaluation) },
            {
              id: 'top-losses',
              title: 'Highest losses',
              content: await topLossesSection(evaluation, contents.heatMaps),
            },
          ];
  const { unknown } = contents;
  return [
    ...results,
    ...(unknown ? [{ id: 'unknown', title: 'Unknown pictures', content: unknownSection(unknown) }] : []),
    { id: 'curves', title: 'Training curves', content: curvesSection(contents) },
    { id: 'data', title: 'Pictures', content: await dataSection(contents) },
    { id: 'network', title: 'Network', content: networkSection(contents) },
    { id: 'speed', title: 'Speed', content: speedSection(contents) },
    { id: 'environment', title: 'Environment', content: environmentSection(contents) },
    { id: 'reproduce', title: 'Reproduce', content: reproduceSection(contents) },
  ];
}

function facts({ summary, evaluation, checkpoint }: ReportContents): Markup {
  const wanted = summary.epochsWanted === null ? '' : ` of ${summary.epochsWanted}`;
  const all: [string, string][] = [
    'exactMatch' in evaluation
      ? ['Mean average precision', figure(evaluation.meanAveragePrecision)]
      : ['Accuracy', 'accuracy' in evaluation ? percent(evaluation.accuracy) : '-'],
    ['Classes', String(checkpoint.manifest.model.classes.length)],
    ['Epochs', `${summary.epochs}${wanted}`],
    ['Training', summary.state],
  ];
  return html`<dl class="facts">${all.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The report as one self-contained HTML file without scripts; pictures and charts are embedded. */
export async function reportPage(contents: ReportContents): Promise<string> {
  const { summary, checkpoint } = contents;
  const { classes } = checkpoint.manifest.model;
  const what = classes.length > 6 ? `${classes.length} classes` : classes.join(', ');
  const sections = await sectionsOf(contents);
  const links = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  const started = summary.started
    ? html`, started <time datetime="${summary.started}">${summary.started.slice(0, 10)}</time>`
    : undefined;
  return page({
    title: `bat-sup: ${summary.name}`,
    style,
    header: html`<h1>${summary.name}: ${what}</h1>
<p>A picture classifier trained with bat-sup${started}.</p>
${facts(contents)}`,
    main: html`<nav aria-label="Sections"><ul>${links}</ul></nav>
${sections.map(
  ({ id, title, content }) => html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}
</section>\n`,
)}`,
  });
}
