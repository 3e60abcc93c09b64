/** About `count` evenly spaced ticks from `low` to `high`, 1, 2 or 5 times a power of ten apart. */
export function roundTicks(low: number, high: number, count = 5): number[] {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) as number) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Maps the range [from, to] linearly to [start, end]. */
export function linear([from, to]: [number, number], [start, end]: [number, number]) {
  const slope = to === from ? 0 : (end - start) / (to - from);
  return (value: number) => start + (value - from) * slope;
}
