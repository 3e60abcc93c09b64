import { parseArgs } from 'node:util';

type Value = string | number | boolean | readonly string[] | readonly number[];

/**
 * Reads a benchmark's flags from the command line. A default's type decides how its flag is read: text, a number, a
 * comma-separated list of either, or a switch. Every benchmark also has --json.
 * Ends the process with exit code 2 where a flag is unknown or not a number.
 */
export function readOptions<Defaults extends Record<string, Value>>(
  defaults: Defaults,
): Defaults & { json: boolean } {
  const all: Record<string, Value> = { ...defaults, json: false };
  try {
    const types = Object.entries(all).map(([name, value]) => [
      name,
      { type: typeof value === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]);
    const { values } = parseArgs({ options: Object.fromEntries(types) });
    for (const [name, given] of Object.entries(values))
      all[name] = typeof given === 'string' ? parse(name, given, all[name] as Value) : (given as boolean);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
  return all as Defaults & { json: boolean };
}

function parse(name: string, text: string, fallback: Value): Value {
  if (typeof fallback === 'number') return numberFrom(name, text);
  if (typeof fallback === 'string') return text;
  const items = text.split(',').filter(Boolean);
  const areNumbers = typeof (fallback as readonly unknown[])[0] === 'number';
  return areNumbers ? items.map((item) => numberFrom(name, item)) : items;
}

function numberFrom(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || Number.isNaN(value)) throw new Error(`--${name} must be a number; received "${text}".`);
  return value;
}
