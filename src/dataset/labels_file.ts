import { reason, UserError } from '../errors.ts';
import { readWithin } from '../system/files.ts';
import { readCsv } from '../text/csv.ts';
import { parseObject } from '../text/json.ts';

/** A picture's labels, as a row of a labels file gives them. */
export interface LabelsRow {
  /** The path as it is written. */
  file: string;
  /** Names of classes; none for a picture that shows none of them. */
  labels: string[];
  /** Where the row begins, 1 for the first line. */
  line: number;
}

/** A million pictures make about 100 MB. */
const maxBytes = 2 ** 28;

/** What may stand between the labels of one cell. */
const separators = /[|;,]/;

/** A row that cannot be used. */
class BadRow extends Error {
  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`);
  }
}

function cleaned(labels: string[]): string[] {
  return [...new Set(labels.map((label) => label.trim()).filter((label) => label !== ''))];
}

function parseLine(text: string, line: number): LabelsRow {
  const value = parseObject(text);
  if (!value) throw new BadRow(line, 'it is not a JSON object');
  const { file, labels } = value;
  if (typeof file !== 'string' || file === '') throw new BadRow(line, '"file" must be the path of a picture');
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string'))
    throw new BadRow(line, '"labels" must be a list of names, [] for none');
  return { file, labels: cleaned(labels), line };
}

function parseJsonLines(text: string): LabelsRow[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]));
}

/** The classes whose cells are 1, in a table with a column for each class. */
function markedClasses(cells: [name: string, cell: string][], line: number): string[] {
  return cells.flatMap(([name, cell]) => {
    const value = cell.trim();
    if (value !== '0' && value !== '1')
      throw new BadRow(line, `the column "${name}" must be 0 or 1; received ${JSON.stringify(cell)}`);
    return value === '1' ? [name] : [];
  });
}

function parseTable(text: string): LabelsRow[] {
  return readCsv(text).map(({ cells: { file, labels, ...classes }, line }) => {
    if (file === undefined)
      throw new BadRow(1, 'it must name the columns: file,labels, or file and a column for each class');
    if (file.trim() === '') throw new BadRow(line, 'the path of the picture is missing');
    if (labels !== undefined) return { file, labels: cleaned(labels.split(separators)), line };
    const marked = Object.entries(classes);
    if (marked.length === 0) throw new BadRow(1, 'it has no column "labels", and none for a class');
    return { file, labels: markedClasses(marked, line), line };
  });
}

/**
 * Reads the labels of pictures from a file. JSON Lines: `{"file": "a.jpg", "labels": ["bat", "sup"]}` on each line. CSV:
 * the columns `file` and `labels`, with |, ; or , between labels, or `file` and a column of 0 and 1 for each class. A
 * picture that has several rows has the labels of all of them.
 * @throws {UserError} naming the first line that cannot be read.
 */
export async function readLabelsFile(path: string): Promise<LabelsRow[]> {
  const text = await readWithin(path, { maxBytes }).then(String, (error) => {
    throw new UserError(
      `The labels file ${path} cannot be read (${reason(error)}); give another to --labels.`,
    );
  });
  try {
    const rows = text
      .trimStart()
      .replace(/^\ufeff/, '')
      .startsWith('{')
      ? parseJsonLines(text)
      : parseTable(text);
    if (rows.length === 0) throw new Error('it has no rows');
    return rows;
  } catch (error) {
    throw new UserError(`The labels file ${path} cannot be used: ${reason(error).replace(/\.$/, '')}.`);
  }
}

/** The classes that a labels file names, sorted. @throws {UserError} as {@link readLabelsFile} does. */
export async function classesInLabels(path: string): Promise<string[]> {
  return [...new Set((await readLabelsFile(path)).flatMap(({ labels }) => labels))].sort();
}
