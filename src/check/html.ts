import { join } from 'node:path';
import sharp from 'sharp';
import { mapConcurrently } from '../concurrency.ts';
import { standardise } from '../images/decode.ts';
import { printable } from '../printable.ts';
import type { CheckReport } from './check.ts';
import { type Finding, type Kind, kindNames, kinds } from './kinds.ts';

/** Findings of a kind, and files of a finding, that are shown; the rest is counted. */
const mostFindings = 100;
const mostFiles = 12;
/** Pixels of a thumbnail's side. */
const thumbnailSide = 96;

const style = `
:root { color-scheme: light dark; --line: light-dark(#c8ccd0, #44494e); --soft: light-dark(#555b61, #b3bac1); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  background: light-dark(#fff, #16181a); color: light-dark(#1b1e21, #e8eaec); }
a { color: light-dark(#0b57c2, #8ab8ff); }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
ol { list-style: none; padding: 0; }
ol > li { padding: .75rem 0; border-bottom: 1px solid var(--line); }
p { margin: .25rem 0; }
.why, figcaption { color: var(--soft); }
.files { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0 0; padding: 0; list-style: none; }
figure { margin: 0; width: ${thumbnailSide}px; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
img { display: block; max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
code { overflow-wrap: anywhere; }
`;

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => entities[letter] as string);
}

function name(file: string): string {
  return escapeHtml(printable(file));
}

async function thumbnail(file: string): Promise<string | undefined> {
  try {
    const size = { width: thumbnailSide, height: thumbnailSide, channels: 3, fit: 'contain' } as const;
    const pixels = await (await standardise(file, size)).raw().toBuffer({ resolveWithObject: true });
    const picture = await sharp(pixels.data, { raw: pixels.info }).webp({ quality: 70 }).toBuffer();
    return `data:image/webp;base64,${picture.toString('base64')}`;
  } catch {
    return undefined;
  }
}

async function figure(rawData: string, file: string): Promise<string> {
  const source = await thumbnail(join(rawData, file));
  if (!source) return `<li><code>${name(file)}</code></li>`;
  const image = `<img src="${source}" width="${thumbnailSide}" height="${thumbnailSide}" alt="" loading="lazy">`;
  return `<li><figure>${image}<figcaption>${name(file)}</figcaption></figure></li>`;
}

async function item(rawData: string, { files, why }: Finding): Promise<string> {
  const shown = await mapConcurrently(files.slice(0, mostFiles), 0, (file) => figure(rawData, file));
  const rest = files.length > mostFiles ? `<p>and ${files.length - mostFiles} more</p>` : '';
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
  for (const finding of found.slice(0, mostFindings)) items.push(await item(rawData, finding));
  const more = found.length - mostFindings;
  const rest = more > 0 ? `<p>and ${more} more; <code>bat-sup check --json</code> lists all</p>` : '';
  return `<section aria-labelledby="${kind}">
<h2 id="${kind}">${kinds[kind].title} (${found.length})</h2>
<p>${escapeHtml(kinds[kind].advice)}</p>
<ol role="list">
${items.join('\n')}
</ol>
${rest}</section>`;
}

function classTable({ classes }: CheckReport): string {
  const rows = classes.map(
    (one) =>
      `<tr><th scope="row">${name(one.name)}</th><td>${one.pictures}</td><td>${one.generated}</td></tr>`,
  );
  return `<div class="scroll" role="region" aria-label="Classes" tabindex="0"><table>
<caption>Classes</caption>
<thead><tr><th scope="col">Class</th><th scope="col">Pictures</th><th scope="col">Made by augment</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

/** The report as one HTML file that needs nothing else: thumbnails are within, and it loads and runs nothing. */
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
      : '<p>Nothing wrong was found.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>bat-sup check: ${name(rawData)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>What is wrong with ${name(rawData)}</h1>
<p>${pictures} pictures, ${findings.length} findings</p>
</header>
<main>
${contents}
${classTable(report)}
${sections.join('\n')}
</main>
</body>
</html>
`;
}
