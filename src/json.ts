import { readWithin } from './files.ts';

/**
 * Reads JSON that somebody else may have written.
 * @param most bytes that the file may have.
 * @throws {Error} in one line, where it is missing, larger, no JSON, or not of this shape.
 */
export async function readJson<T>(file: string, { most, shape }: { most: number; shape: Shape }): Promise<T> {
  const value = parseJson((await readWithin(file, { most })).toString());
  const wrong = shape(value, '');
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

/**
 * Checks of JSON that somebody else may have written. Each tells what is wrong in words, or undefined; members that
 * are not named are let through, for newer versions to add some.
 */
export type Shape = (value: unknown, name: string) => string | undefined;

function shape(what: string, test: (value: unknown) => boolean): Shape {
  return (value, name) => (test(value) ? undefined : `${name} is not ${what}`);
}

export const string = shape('a string', (value) => typeof value === 'string');

export const finite = shape('a number', (value) => Number.isFinite(value));

/** ISO 8601. */
export const time = shape('a time', (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)));

export function whole(least = 0, most = Number.MAX_SAFE_INTEGER): Shape {
  const isWhole = (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
  return shape(`a whole number from ${least} to ${most}`, isWhole);
}

export function oneOf(...choices: unknown[]): Shape {
  return shape(`one of ${choices.join(', ')}`, (value) => choices.includes(value));
}

export function matching(pattern: RegExp): Shape {
  return shape(`like ${pattern.source}`, (value) => typeof value === 'string' && pattern.test(value));
}

/** What JSON has no number for, such as NaN, is null in it. */
export function optional(of: Shape): Shape {
  return (value, name) => (value === undefined || value === null ? undefined : of(value, name));
}

export function list(of: Shape, least = 0): Shape {
  return (value, name) => {
    if (!Array.isArray(value) || value.length < least)
      return `${name} is not a list${least ? ` of ${least} or more` : ''}`;
    for (const [index, item] of value.entries()) {
      const wrong = of(item, `${name}[${index}]`);
      if (wrong) return wrong;
    }
    return undefined;
  };
}

export function object(members: Record<string, Shape>): Shape {
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return `${name || 'it'} is not an object`;
    for (const [key, of] of Object.entries(members)) {
      const member = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
      const wrong = of(member, name === '' ? key : `${name}.${key}`);
      if (wrong) return wrong;
    }
    return undefined;
  };
}
