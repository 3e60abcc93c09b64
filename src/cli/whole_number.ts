import { UsageError } from '../errors.ts';

/** What a flag was given. @throws {UsageError} naming the flag, the value and what is allowed. */
export function wholeNumber(
  flag: string,
  value: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
  const allowed = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  throw new UsageError(`${flag} is "${value}"; allowed is a whole number, ${allowed}.`);
}
