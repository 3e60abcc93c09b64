/**
 * Confusion matrix: how often pictures of each class were predicted to be of each class.
 * @param labels true class index per picture.
 * @param predicted predicted class index per picture.
 * @param classes number of classes.
 * @param weights how many times each picture counts; default: once.
 * @returns counts, [true class][predicted class].
 */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  weights?: ArrayLike<number>,
): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let picture = 0; picture < labels.length; picture++) {
    const row = matrix[labels[picture] as number] as number[];
    const column = predicted[picture] as number;
    row[column] = (row[column] as number) + (weights ? (weights[picture] as number) : 1);
  }
  return matrix;
}
