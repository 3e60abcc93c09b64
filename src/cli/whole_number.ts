import { wrongValue } from '../text/wrong_value.ts';

/** What a flag was given. @throws {UsageError} naming the flag, the value and what is allowed. */
export function wholeNumber(
  flag: string,
  value: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
  const allowed = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw wrongValue(flag, `a whole number ${allowed}`, value);
}
