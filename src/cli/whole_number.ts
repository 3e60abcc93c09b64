import { wrongValue } from '../text/wrong_value.ts';

/** Parses the value of a flag. @throws {UsageError} where it is not a whole number from `min` to `max`. */
export function wholeNumber(flag: string, value: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= min && number <= max) return number;
  const allowed = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw wrongValue(flag, `a whole number ${allowed}`, value);
}
