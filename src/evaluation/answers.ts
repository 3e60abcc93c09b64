/** What a network said to pictures whose classes are known. */
export interface Answers {
  classes: string[];
  files: string[];
  /** Class index of each picture. */
  labels: number[];
  /** float32 [pictures, classes]. */
  logits: Float32Array;
}

/** The logits of one picture, not copied. */
export function logitsOf({ classes, logits }: Answers, picture: number): Float32Array {
  return logits.subarray(picture * classes.length, (picture + 1) * classes.length);
}
