/** How much each pixel matters: float32 [height, width], row by row, 0..1; all 0 where no pixel does. */
export type HeatMap = Float32Array;

/** Clips negative values to 0 and scales the largest value to 1. */
export function normalise(values: ArrayLike<number>): HeatMap {
  const heat = Float32Array.from(values, (value) => Math.max(0, value));
  const max = heat.reduce((a, b) => Math.max(a, b), 0);
  return max > 0 ? heat.map((value) => value / max) : heat;
}

/** The hottest pixel, the first of equals in row order; undefined where all are 0. */
export function hottest(heat: HeatMap, width: number): { x: number; y: number } | undefined {
  const index = heat.reduce((best, value, at) => (value > (heat[best] as number) ? at : best), 0);
  if (!heat[index]) return undefined;
  return { x: index % width, y: Math.floor(index / width) };
}

/** Pearson correlation of two heat maps, -1..1; undefined where one of them is constant. */
export function correlation(a: HeatMap, b: HeatMap): number | undefined {
  const mean = (values: HeatMap) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (const [index, value] of a.entries()) {
    const [x, y] = [value - meanA, (b[index] as number) - meanB];
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  const both = Math.sqrt(squareA * squareB);
  return both > 0 ? product / both : undefined;
}
