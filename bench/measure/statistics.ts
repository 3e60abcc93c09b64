/** The middle value; for an even number of values, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The standard deviation of a sample; 0 for a single value. */
export function deviation(values: readonly number[]): number {
  const average = mean(values);
  const squares = values.map((value) => (value - average) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / Math.max(values.length - 1, 1));
}

/** @param digits after the decimal point. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
