import { type Shape, wrongWith } from '../text/json.ts';
import { readWithin } from './files.ts';

/**
 * Reads a JSON file that other software may have written.
 * @param options.maxBytes largest size of the file.
 * @throws {Error} in one line, where the file is missing, too large, not JSON, or not of this shape.
 */
export async function readJson<T>(
  file: string,
  { maxBytes, shape }: { maxBytes: number; shape: Shape },
): Promise<T> {
  const value = parseJson((await readWithin(file, { maxBytes })).toString());
  const wrong = wrongWith(value, shape);
  if (wrong) throw new Error(wrong);
  return value as T;
}

/** JSON.parse with an error of one line; its own quotes the text with line breaks. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}
