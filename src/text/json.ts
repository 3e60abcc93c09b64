/**
 * A check of JSON that other software may have written. It returns undefined where the value is valid, otherwise where and
 * what is wrong ('.files[2].bytes is not a number'). Unknown members are allowed, so that newer versions can add some.
 */
export type Shape = (value: unknown) => string | undefined;

/** What is wrong with a value, as a clause; undefined where it has the shape. */
export function wrongWith(value: unknown, shape: Shape): string | undefined {
  const wrong = shape(value);
  return wrong?.startsWith(' ') ? `it${wrong}` : wrong?.replace(/^\./, '');
}

/** Parses a JSON object; undefined for any other text. */
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

/** A time in ISO 8601. */
export const time = shape('a time', (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)));

/** A whole number from `min` to `max`. */
export function whole(min = 0, max = Number.MAX_SAFE_INTEGER): Shape {
  const isWhole = (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
  return shape(`a whole number from ${min} to ${max}`, isWhole);
}

export function oneOf(...choices: unknown[]): Shape {
  return shape(`one of ${choices.join(', ')}`, (value) => choices.includes(value));
}

export function matching(pattern: RegExp): Shape {
  return shape(`like ${pattern.source}`, (value) => typeof value === 'string' && pattern.test(value));
}

/** A value that may be missing, or null: JSON.stringify writes null for NaN. */
export function optional(of: Shape): Shape {
  return (value) => (value === undefined || value === null ? undefined : of(value));
}

/** An array of at least `minLength` items. */
export function list(of: Shape, minLength = 0): Shape {
  return (value) => {
    if (!Array.isArray(value) || value.length < minLength) {
      return ` is not a list${minLength > 0 ? ` of ${minLength} or more` : ''}`;
    }
    for (const [index, item] of value.entries()) {
      const wrong = of(item);
      if (wrong !== undefined) return `[${index}]${wrong}`;
    }
    return undefined;
  };
}

/** An object with these members, and possibly others. */
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
