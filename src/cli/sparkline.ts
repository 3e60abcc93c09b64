const bars = '▁▂▃▄▅▆▇█';

/** Shortens a list to `count` means of consecutive values; a list that is short enough stays as it is. */
function shorten(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * values.length) / count);
    const to = Math.floor(((index + 1) * values.length) / count);
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at] as number;
    return sum / (to - from);
  });
}

/** A curve of at most `width` block characters, from the lowest value (low bar) to the highest (full bar). */
export function sparkline(values: readonly number[], width: number): string {
  const means = shorten(values, Math.max(0, width));
  const min = Math.min(...means);
  const range = Math.max(...means) - min;
  const height = (value: number) => (range > 0 ? (value - min) / range : 0);
  return means.map((value) => bars[Math.round(height(value) * (bars.length - 1))]).join('');
}
