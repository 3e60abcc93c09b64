/**
 * How often a picture of one class was said to be of another.
 * @param weights how many times each picture counts; absent: once.
 * @returns [true class][predicted class].
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
