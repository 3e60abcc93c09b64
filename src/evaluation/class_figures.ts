/** Metrics of one class against the others, each 0..1; 0 where the denominator is 0. */
export interface ClassFigures {
  /** TP / (TP + FP). */
  precision: number;
  /** TP / (TP + FN). */
  recall: number;
  /** 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall. */
  f1: number;
  /** Number of pictures of the class, TP + FN. */
  support: number;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

/** Precision, recall and F1 per class. @param confusion [true class][predicted class]. */
export function classFigures(confusion: number[][]): ClassFigures[] {
  return confusion.map((row, label) => {
    const truePositives = row[label] as number;
    const support = sum(row);
    const predicted = sum(confusion.map((other) => other[label] as number));
    return {
      precision: ratio(truePositives, predicted),
      recall: ratio(truePositives, support),
      f1: ratio(2 * truePositives, support + predicted),
      support,
    };
  });
}

/**
 * Mean of a metric over the classes, unweighted (macro) or weighted; nulls are left out.
 * @returns null where nothing is left.
 */
export function averageOf(figures: (number | null)[], weights?: number[]): number | null {
  const known = figures.flatMap((figure, index) =>
    figure === null ? [] : [{ figure, weight: weights ? (weights[index] as number) : 1 }],
  );
  const total = sum(known.map(({ weight }) => weight));
  return total === 0 ? null : sum(known.map(({ figure, weight }) => figure * weight)) / total;
}
