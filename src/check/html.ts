import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { escapeHtml, html, Markup } from '../html/markup.ts';
import { dataTable, page } from '../html/page.ts';
import { thumbnail } from '../html/thumbnail.ts';
import { counted } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import type { CheckReport } from './check.ts';
import { type Finding, type Kind, kindNames, kinds } from './kinds.ts';

/** Most findings per kind, and most files per finding; the others are counted. */
const maxFindings = 100;
const maxFiles = 12;
/** Pixels of a thumbnail's side. */
const thumbnailSide = 96;

const style = `
ol { list-style: none; padding: 0; }
ol > li { padding: .75rem 0; border-bottom: 1px solid var(--line); }
.why { color: var(--soft); }
.files { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0 0; padding: 0; list-style: none; }
figure { width: ${thumbnailSide}px; }
`;

function name(file: string): string {
  return escapeHtml(printable(file));
}

async function figure(rawData: string, file: string): Promise<string> {
  const source = await thumbnail(join(rawData, file), thumbnailSide);
  if (!source) return `<li><code>${name(file)}</code></li>`;
  const image = `<img src="${source}" width="${thumbnailSide}" height="${thumbnailSide}" alt="" loading="lazy">`;
  return `<li><figure>${image}<figcaption>${name(file)}</figcaption></figure></li>`;
}

async function item(rawData: string, { files, why }: Finding): Promise<string> {
  const shown = await mapConcurrently(files.slice(0, maxFiles), 0, (file) => figure(rawData, file));
  const rest = files.length > maxFiles ? `<p>and ${files.length - maxFiles} more</p>` : '';
  const list = shown.length > 0 ? `<ul class="files" role="list">${shown.join('')}</ul>` : '';
  return `<li><p class="why">${escapeHtml(printable(why))}</p>${list}${rest}</li>`;
}

function group(findings: Finding[]): [Kind, Finding[]][] {
  return kindNames
    .map((kind): [Kind, Finding[]] => [kind, findings.filter((finding) => finding.kind === kind)])
    .filter(([, found]) => found.length > 0);
}

async function section(rawData: string, kind: Kind, found: Finding[]): Promise<string> {
  const items = [];
  for (const finding of found.slice(0, maxFindings)) items.push(await item(rawData, finding));
  const more = found.length - maxFindings;
  const rest = more > 0 ? `<p>and ${more} more; <code>bat-sup check --json</code> lists all</p>` : '';
  return `<section aria-labelledby="${kind}">
<h2 id="${kind}">${kinds[kind].title} (${found.length})</h2>
<p>${escapeHtml(kinds[kind].advice)}</p>
<ol role="list">
${items.join('\n')}
</ol>
${rest}</section>`;
}

function classTable({ classes }: CheckReport): Markup {
  return dataTable(
    'Classes',
    ['Class', 'Pictures', 'Augmented'],
    classes.map((one) => [printable(one.name), one.pictures, one.generated]),
  );
}

/** The report as one self-contained HTML file without scripts; thumbnails are embedded. */
export async function htmlReport(report: CheckReport): Promise<string> {
  const { rawData, findings, pictures } = report;
  const groups = group(findings);
  const sections = [];
  for (const [kind, found] of groups) sections.push(await section(rawData, kind, found));
  const links = groups.map(
    ([kind, found]) => `<li><a href="#${kind}">${kinds[kind].title}</a> (${found.length})</li>`,
  );
  const contents =
    links.length > 0
      ? `<nav aria-label="Findings"><ul>${links.join('')}</ul></nav>`
      : '<p>No problems found.</p>';
  return page({
    title: `bat-sup check: ${printable(rawData)}`,
    style,
    header: html`<h1>Problems in ${printable(rawData)}</h1>
<p>${counted(pictures, 'picture')}, ${counted(findings.length, 'finding')}</p>`,
    main: html`${new Markup(contents)}
${classTable(report)}
${new Markup(sections.join('\n'))}`,
  });
}
