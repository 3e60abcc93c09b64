import seedrandom from 'seedrandom';

export type Interval = [low: number, high: number];

/** The value below which a share of the sorted values lies, between two of them in proportion. */
function quantile(sorted: number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * 95 % confidence intervals of figures by drawing the pictures anew, with replacement (Efron 1979, percentiles).
 * @param figures of a draw, given how many times each picture was drawn; null where the draw has none.
 * @returns an interval for each figure; null where no draw had it.
 */
export function bootstrapIntervals<Name extends string>(
  pictures: number,
  { resamples, seed }: { resamples: number; seed: number },
  figures: (counts: Uint32Array) => Record<Name, number | null>,
): Record<Name, Interval | null> {
  const random = seedrandom(`${seed}/bootstrap`);
  const drawn = {} as Record<Name, number[]>;
  for (let round = 0; round < resamples; round++) {
    const counts = new Uint32Array(pictures);
    for (let draw = 0; draw < pictures; draw++) {
      const picture = Math.floor(random() * pictures);
      counts[picture] = (counts[picture] as number) + 1;
    }
    for (const [name, value] of Object.entries(figures(counts)) as [Name, number | null][]) {
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
