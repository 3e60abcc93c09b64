/** Shares are 0..1, and 0 where nothing was there to divide by. */
export interface ClassFigures {
  /** Of the pictures said to be of the class, those that are. */
  precision: number;
  /** Of the pictures of the class, those said to be. */
  recall: number;
  /** Harmonic mean of the two. */
  f1: number;
  /** Pictures of the class. */
  support: number;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** @param confusion [true class][predicted class]. */
export function classFigures(confusion: number[][]): ClassFigures[] {
  return confusion.map((row, label) => {
    const right = row[label] as number;
    const support = sum(row);
    const said = sum(confusion.map((other) => other[label] as number));
    return {
      precision: share(right, said),
      recall: share(right, support),
      f1: share(2 * right, support + said),
      support,
    };
  });
}

/**
 * Mean of a figure over the classes, each counting the same (macro) or by its weight; null figures are left out.
 * @returns null where none is left.
 */
export function averageOf(figures: (number | null)[], weights?: number[]): number | null {
  const known = figures.flatMap((figure, index) =>
    figure === null ? [] : [{ figure, weight: weights ? (weights[index] as number) : 1 }],
  );
  const total = sum(known.map(({ weight }) => weight));
  return total === 0 ? null : sum(known.map(({ figure, weight }) => figure * weight)) / total;
}
