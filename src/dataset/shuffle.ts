import seedrandom from 'seedrandom';

/** A shuffled copy (Fisher-Yates); the order depends only on the seed and the length. */
export function shuffle<T>(items: readonly T[], seed: string): T[] {
  const random = seedrandom(seed);
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}
