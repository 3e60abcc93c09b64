import sharp from 'sharp';
import type { EncodedImages } from '../summaries/image.ts';

const maxNameLength = 18;
const fontSize = 14;
const margin = 16;

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function shorten(name: string): string {
  const letters = [...name];
  return letters.length > maxNameLength ? `${letters.slice(0, maxNameLength - 1).join('')}…` : name;
}

function text(x: number, y: number, content: string | number, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeXml(String(content))}</text>`;
}

/** The side of a cell, pixels, and whether numbers fit in it. @param maxCount the largest number. */
function cellOf(classes: number, maxCount: number): { cell: number; numbers: boolean } {
  const cell = Math.max(6, Math.min(64, Math.floor(1600 / classes)));
  return { cell, numbers: cell >= String(maxCount).length * fontSize * 0.6 + 8 };
}

interface Layout {
  cell: number;
  numbers: boolean;
  /** Position of the first cell, pixels. */
  left: number;
  top: number;
  nameSize: number;
}

function layOut(matrix: number[][], names: string[]): Layout {
  const { cell, numbers } = cellOf(names.length, Math.max(...matrix.flat()));
  const nameSize = Math.min(fontSize, cell - 1);
  const longest = Math.max(...names.map((name) => [...name].length));
  const beside = margin + fontSize + 8 + Math.ceil(longest * nameSize * 0.62) + 8;
  return { cell, numbers, left: beside, top: beside, nameSize };
}

function labels(names: string[], { cell, left, top, nameSize }: Layout): string[] {
  const side = cell * names.length;
  const upwards = (x: number, y: number) => `transform="translate(${x} ${y}) rotate(-90)"`;
  const bold = 'text-anchor="middle" font-weight="bold"';
  const ofNames = names.flatMap((name, index) => {
    const at = index * cell + cell / 2 + nameSize * 0.35;
    const size = `font-size="${nameSize}"`;
    return [
      text(left - 8, top + at, name, `text-anchor="end" ${size}`),
      text(0, 0, name, `${upwards(left + at, top - 8)} ${size}`),
    ];
  });
  return [
    text(left + side / 2, margin + fontSize, 'predicted', bold),
    text(0, 0, 'true', `${upwards(margin + fontSize, top + side / 2)} ${bold}`),
    ...ofNames,
  ];
}

/** @param share of the row, 0 to 1, which determines the colour: classes with few pictures are as dark as others. */
function drawCell(count: number, share: number, [x, y]: [number, number], { cell, numbers }: Layout): string {
  const [r, g, b] = [247 - 239 * share, 251 - 203 * share, 255 - 148 * share].map(Math.round);
  const bounds = `x="${x}" y="${y}" width="${cell}" height="${cell}"`;
  const square = `<rect ${bounds} fill="rgb(${r},${g},${b})" stroke="#ccc"/>`;
  if (!numbers) return square;
  const ink = `text-anchor="middle" fill="${share > 0.5 ? 'white' : 'black'}"`;
  return square + text(x + cell / 2, y + cell / 2 + fontSize * 0.35, count, ink);
}

function cells(matrix: number[][], layout: Layout): string[] {
  const { cell, left, top } = layout;
  return matrix.flatMap((row, y) => {
    const sum = Math.max(
      row.reduce((a, b) => a + b, 0),
      1,
    );
    return row.map((count, x) => drawCell(count, count / sum, [left + x * cell, top + y * cell], layout));
  });
}

/** The SVG of a confusion matrix, and its size in pixels. */
export function confusionMatrixSvg(
  matrix: number[][],
  classes: string[],
): { svg: string; width: number; height: number } {
  const names = classes.map(shorten);
  const layout = layOut(matrix, names);
  const side = layout.cell * classes.length;
  const [width, height] = [layout.left + side + margin, layout.top + side + margin];
  const font = `font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="${fontSize}"`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ${font}>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...labels(names, layout),
    ...cells(matrix, layout),
    '</svg>',
  ].join('');
  return { svg, width, height };
}

/**
 * Draws a confusion matrix: a row for each true class, a column for each predicted one; the larger a cell's share of its
 * row, the darker.
 * @param matrix [classes, classes] counts.
 */
export async function drawConfusionMatrix(matrix: number[][], classes: string[]): Promise<EncodedImages> {
  const { svg, width, height } = confusionMatrixSvg(matrix, classes);
  const file = await sharp(Buffer.from(svg)).png({ palette: true }).toBuffer();
  return { width, height, files: [file] };
}
