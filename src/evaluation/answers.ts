/** Predictions for labelled pictures. */
export interface Answers {
  classes: string[];
  /** Path of each picture. */
  files: string[];
  /** True class index of each picture. */
  labels: number[];
  /** With --multi-label: the indices of all classes that each picture shows. */
  labelSets?: number[][];
  /** [pictures, classes], row by row; before softmax. */
  logits: Float32Array;
}

/** Logits of one picture, [classes]: a view, not a copy. */
export function logitsOf({ classes, logits }: Answers, picture: number): Float32Array {
  return logits.subarray(picture * classes.length, (picture + 1) * classes.length);
}
