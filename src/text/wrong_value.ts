import { inspect } from 'node:util';
import { UsageError } from '../errors.ts';

/**
 * The error for an invalid value: `epochs must be a whole number of at least 1; received "ten" (config.ts).`
 * @param allowed what it must be, e.g. 'one of bat, cat'.
 * @param from where the value comes from, if the name does not show it.
 */
export function wrongValue(name: string, allowed: string, received: unknown, from?: string): UsageError {
  return new UsageError(
    `${name} must be ${allowed}; received ${valueText(received)}${from === undefined ? '' : ` (${from})`}.`,
  );
}

const maxValueLength = 60;

/** A value on one line, shortened if it is long: "ten", 2.5, NaN, 3n, [ 1, 2 ]. */
function valueText(value: unknown): string {
  const text =
    typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 2, breakLength: Infinity });
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)} ...` : text;
}
