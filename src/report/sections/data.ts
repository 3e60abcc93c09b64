import { join } from 'node:path';
import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import { thumbnail } from '../../html/thumbnail.ts';
import type { ReportContents } from '../contents.ts';

const side = 64;

async function samplesOf({ class: name, files }: ReportContents['samples'][0]): Promise<Markup> {
  const sources = await Promise.all(files.map((file) => thumbnail(file, side)));
  const images = sources.flatMap((source, index) =>
    source === undefined
      ? []
      : [
          html`<li><img src="${source}" width="${side}" height="${side}" alt="${name}, sample ${index + 1}"></li>`,
        ],
  );
  if (images.length === 0) return html``;
  return html`<h3>${name}</h3><ul class="pictures" role="list">${images}</ul>\n`;
}

/** The classes, the number of pictures in each, and a few samples. */
export async function dataSection({ record, checkpoint, samples }: ReportContents): Promise<Markup> {
  const counts = record?.sessions.at(-1)?.dataset;
  const table = counts
    ? dataTable(
        'Pictures of each class',
        ['Class', 'Training', 'Validation'],
        counts.map((one) => [one.class, one.train, one.validation]),
      )
    : html`<p>${checkpoint.manifest.model.classes.join(', ')}</p>`;
  return html`${table}\n${await Promise.all(samples.map(samplesOf))}`;
}

/** Up to `count` pictures, evenly spaced over the list, because neighbours are often alike. @returns paths. */
export function spread(folder: string, files: string[], count: number): string[] {
  const step = Math.max(1, files.length / count);
  return Array.from({ length: Math.min(count, files.length) }, (_, index) =>
    join(folder, files[Math.floor(index * step)] as string),
  );
}
