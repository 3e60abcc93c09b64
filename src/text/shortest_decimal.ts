/** The shortest decimal that rounds to this float32, e.g. 0.001 for 0.0010000000474974513. */
export function shortestDecimal(float: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(float.toPrecision(digits));
    if (Math.fround(decimal) === Math.fround(float)) return decimal;
  }
  return float;
}
