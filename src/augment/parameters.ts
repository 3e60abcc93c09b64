/** A parameter of an operation, and which values it accepts. */
export interface Parameter<T = unknown> {
  default: T;
  /** What it means, with its unit. */
  meaning: string;
  /** Which values are allowed, in words: 'a number from 0 to 1'. */
  allowed: string;
  accepts(value: unknown): boolean;
}

export type Parameters = Record<string, Parameter>;

/** The values of some parameters, by name. */
export type ValuesOf<P extends Parameters> = {
  [Name in keyof P]: P[Name] extends Parameter<infer T> ? T : never;
};

export function number(min: number, max: number, value: number, meaning: string): Parameter<number> {
  return {
    default: value,
    meaning,
    allowed: `a number from ${min} to ${max}`,
    accepts: (given) => typeof given === 'number' && given >= min && given <= max,
  };
}

export function integer(min: number, max: number, value: number, meaning: string): Parameter<number> {
  return {
    default: value,
    meaning,
    allowed: `a whole number from ${min} to ${max}`,
    accepts: (given) => Number.isInteger(given) && (given as number) >= min && (given as number) <= max,
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

type HexColour = `#${string}`;

function isColour(value: unknown): boolean {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value);
}

export function colour(value: HexColour, meaning: string): Parameter<HexColour> {
  return { default: value, meaning, allowed: 'a colour as "#rrggbb"', accepts: isColour };
}

/** What is found outside a picture: a colour as '#rrggbb', or its edge repeated. */
export type Fill = 'edge' | HexColour;

export function fill(value: Fill, meaning: string): Parameter<Fill> {
  return {
    default: value,
    meaning,
    allowed: '"edge" (the edge repeated) or a colour as "#rrggbb"',
    accepts: (given) => given === 'edge' || isColour(given),
  };
}
