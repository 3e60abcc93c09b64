/** What one parameter of an operation may be. */
export interface Parameter<T = unknown> {
  default: T;
  /** What it means, with its unit. */
  meaning: string;
  /** What is allowed, in words. */
  allowed: string;
  accepts(value: unknown): boolean;
}

export type Parameters = Record<string, Parameter>;

export type ValuesOf<P extends Parameters> = {
  [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

export function number(least: number, most: number, value: number, meaning: string): Parameter<number> {
  return {
    default: value,
    meaning,
    allowed: `a number from ${least} to ${most}`,
    accepts: (given) => typeof given === 'number' && given >= least && given <= most,
  };
}

export function integer(least: number, most: number, value: number, meaning: string): Parameter<number> {
  return {
    default: value,
    meaning,
    allowed: `a whole number from ${least} to ${most}`,
    accepts: (given) => Number.isInteger(given) && (given as number) >= least && (given as number) <= most,
  };
}

export function flag(value: boolean, meaning: string): Parameter<boolean> {
  return {
    default: value,
    meaning,
    allowed: 'true or false',
    accepts: (given) => typeof given === 'boolean',
  };
}

export function choice<const T extends string>(
  choices: T[],
  value: NoInfer<T>,
  meaning: string,
): Parameter<T> {
  return {
    default: value,
    meaning,
    allowed: `one of ${choices.join(', ')}`,
    accepts: (given) => choices.some((one) => one === given),
  };
}

/** A colour as '#rrggbb', or 'edge'. */
export type Fill = 'edge' | `#${string}`;

export function fill(value: Fill, meaning: string): Parameter<Fill> {
  return {
    default: value,
    meaning,
    allowed: '"edge" (the edge repeated) or a colour as "#rrggbb"',
    accepts: (given) => given === 'edge' || (typeof given === 'string' && /^#[0-9a-f]{6}$/i.test(given)),
  };
}
