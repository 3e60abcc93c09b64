/** The shortest decimal that is this float32: 0.001, where the file can only say 0.0010000000474974513. */
export function shortestDecimal(float: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(float.toPrecision(digits));
    if (Math.fround(decimal) === Math.fround(float)) return decimal;
  }
  return float;
}
