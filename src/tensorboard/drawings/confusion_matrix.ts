import sharp from 'sharp';
import type { EncodedImages } from '../summaries/image.ts';

const longestName = 18;
const fontSize = 14;
const margin = 16;

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function shorten(name: string): string {
  const letters = [...name];
  return letters.length > longestName ? `${letters.slice(0, longestName - 1).join('')}…` : name;
}

function text(x: number, y: number, content: string | number, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeXml(String(content))}</text>`;
}

/** Cells shrink where classes are many, and numbers go where they would not fit. */
function cellOf(classes: number, most: number): { cell: number; numbers: boolean } {
  const cell = Math.max(6, Math.min(64, Math.floor(1600 / classes)));
  return { cell, numbers: cell >= String(most).length * fontSize * 0.6 + 8 };
}

/** @returns the SVG of a confusion matrix, and its size in pixels. */
export function confusionMatrixSvg(
  matrix: number[][],
  classes: string[],
): { svg: string; width: number; height: number } {
  const rows = matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
  const { cell, numbers } = cellOf(classes.length, Math.max(...matrix.flat()));
  const names = classes.map(shorten);
  const nameSize = Math.min(fontSize, cell - 1);
  const label = Math.ceil(Math.max(...names.map((name) => [...name].length)) * nameSize * 0.62);
  const left = margin + fontSize + 8 + label + 8;
  const top = margin + fontSize + 8 + label + 8;
  const side = cell * classes.length;
  const [width, height] = [left + side + margin, top + side + margin];
  const parts = [`<rect width="${width}" height="${height}" fill="white"/>`];
  const middle = (place: number) => place * cell + cell / 2;
  parts.push(
    text(left + side / 2, margin + fontSize, 'predicted', 'text-anchor="middle" font-weight="bold"'),
    text(
      0,
      0,
      'true',
      `transform="translate(${margin + fontSize} ${top + side / 2}) rotate(-90)" text-anchor="middle" font-weight="bold"`,
    ),
  );
  for (const [place, name] of names.entries()) {
    const size = `font-size="${nameSize}"`;
    const offset = nameSize * 0.35;
    parts.push(text(left - 8, top + middle(place) + offset, name, `text-anchor="end" ${size}`));
    const turned = `transform="translate(${left + middle(place) + offset} ${top - 8}) rotate(-90)"`;
    parts.push(text(0, 0, name, `${turned} ${size}`));
  }
  for (const [y, row] of matrix.entries()) {
    for (const [x, count] of row.entries()) {
      // The share of the class, so that a class of few pictures is as dark as one of many.
      const share = count / Math.max(rows[y] as number, 1);
      const [r, g, b] = [247 - 239 * share, 251 - 203 * share, 255 - 148 * share].map(Math.round);
      const place = `x="${left + x * cell}" y="${top + y * cell}" width="${cell}" height="${cell}"`;
      parts.push(`<rect ${place} fill="rgb(${r},${g},${b})" stroke="#ccc"/>`);
      if (!numbers) continue;
      const ink = share > 0.5 ? 'white' : 'black';
      const [atX, atY] = [left + middle(x), top + middle(y) + fontSize * 0.35];
      parts.push(text(atX, atY, count, `text-anchor="middle" fill="${ink}"`));
    }
  }
  const font = `font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="${fontSize}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${font}>${parts.join('')}</svg>`;
  return { svg, width, height };
}

/**
 * A confusion matrix as an image: a row for each true class, a column for each predicted one, the darker the larger
 * the share of the row.
 * @param matrix [classes, classes] counts.
 */
export async function drawConfusionMatrix(matrix: number[][], classes: string[]): Promise<EncodedImages> {
  const { svg, width, height } = confusionMatrixSvg(matrix, classes);
  const file = await sharp(Buffer.from(svg)).png({ palette: true }).toBuffer();
  return { width, height, files: [file] };
}
