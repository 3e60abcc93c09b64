import { type Shape, wrongWith } from '../text/json.ts';
import { readWithin } from './files.ts';

/**
 * Reads JSON that somebody else may have written.
 * @param most bytes that the file may have.
 * @throws {Error} in one line, where it is missing, larger, no JSON, or not of this shape.
 */
export async function readJson<T>(file: string, { most, shape }: { most: number; shape: Shape }): Promise<T> {
  const value = parseJson((await readWithin(file, { most })).toString());
  const wrong = wrongWith(value, shape);
  if (wrong) throw new Error(wrong);
  return value as T;
}

/** The error of JSON.parse itself quotes the text, line ends included. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}
