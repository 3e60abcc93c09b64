const bars = '▁▂▃▄▅▆▇█';

/** The mean of each of `count` stretches of a list that is longer than that. */
function stretches(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count);
    const to = Math.floor(((index + 1) * values.length) / count);
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at] as number;
    return sum / (to - from);
  });
}

/** A curve of at most `width` characters: the lowest value a low bar, the highest a full one. */
export function sparkline(values: readonly number[], width: number): string {
  const means = stretches(values, Math.max(0, width));
  const least = Math.min(...means);
  const range = Math.max(...means) - least;
  const height = (value: number) => (range > 0 ? (value - least) / range : 0);
  return means.map((value) => bars[Math.round(height(value) * (bars.length - 1))]).join('');
}
