import seedrandom from 'seedrandom';

export type Interval = [low: number, high: number];

/** Quantile with linear interpolation. @param share 0..1 */
function quantile(sorted: number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * 95 % confidence intervals by the percentile bootstrap (Efron, Bootstrap Methods: Another Look at the Jackknife, 1979):
 * the pictures are resampled with replacement and the metrics computed again each time.
 * @param metrics computes the metrics of one resample from how often each picture was drawn; null where undefined.
 * @returns an interval per metric; null where no resample defined it.
 */
export function bootstrapIntervals<Name extends string>(
  pictures: number,
  { resamples, seed }: { resamples: number; seed: number },
  metrics: (counts: Uint32Array) => Record<Name, number | null>,
): Record<Name, Interval | null> {
  const random = seedrandom(`${seed}/bootstrap`);
  const drawn = {} as Record<Name, number[]>;
  for (let round = 0; round < resamples; round++) {
    const counts = new Uint32Array(pictures);
    for (let draw = 0; draw < pictures; draw++) {
      const picture = Math.floor(random() * pictures);
      counts[picture] = (counts[picture] as number) + 1;
    }
    for (const [name, value] of Object.entries(metrics(counts)) as [Name, number | null][]) {
      drawn[name] ??= [];
      if (value !== null) drawn[name].push(value);
    }
  }
  const intervals = Object.entries<number[]>(drawn).map(([name, values]): [string, Interval | null] => {
    const sorted = values.sort((a, b) => a - b);
    return [name, sorted.length > 0 ? [quantile(sorted, 0.025), quantile(sorted, 0.975)] : null];
  });
  return Object.fromEntries(intervals) as Record<Name, Interval | null>;
}
