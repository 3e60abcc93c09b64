/**
 * A check of JSON that somebody else may have written: undefined where it is right, else where in it something is
 * wrong and what ('.files[2].bytes is not a number'). Members that are not named are let through, for newer versions
 * to add some.
 */
export type Shape = (value: unknown) => string | undefined;

/** What is wrong with a value, in words; undefined where it has the shape. */
export function wrongWith(value: unknown, shape: Shape): string | undefined {
  const wrong = shape(value);
  return wrong?.startsWith(' ') ? `it${wrong}` : wrong?.replace(/^\./, '');
}

/** What a text says, if it is a JSON object; undefined for anything else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return object({})(value) === undefined ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function shape(what: string, test: (value: unknown) => boolean): Shape {
  const wrong = ` is not ${what}`;
  return (value) => (test(value) ? undefined : wrong);
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
  return (value) => (value === undefined || value === null ? undefined : of(value));
}

export function list(of: Shape, least = 0): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length < least) {
      return ` is not a list${least > 0 ? ` of ${least} or more` : ''}`;
    }
    for (const [index, item] of value.entries()) {
      const wrong = of(item);
      if (wrong !== undefined) return `[${index}]${wrong}`;
    }
    return undefined;
  };
}

export function object(members: Record<string, Shape>): Shape {
  const all = Object.entries(members);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return ' is not an object';
    for (const [key, of] of all) {
      const wrong = of(Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined);
      if (wrong !== undefined) return `.${key}${wrong}`;
    }
    return undefined;
  };
}
