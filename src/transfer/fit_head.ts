import { crossValidate } from './cross_validation.ts';

/** What the head learns from. */
export interface HeadData {
  /** float32 [pictures, length] */
  features: Float32Array;
  length: number;
  /** [pictures], the class index. */
  labels: number[];
  /** [pictures, classes], each row with the sum 1; absent where they are the labels alone. */
  softLabels?: Float32Array | undefined;
  /** [pictures], the weight of each in the loss; absent: 1 each. */
  weights?: Float32Array | undefined;
  /** [pictures]: equal for pictures that must not be on both sides of a fold. */
  groups: number[];
  classes: number;
  seed: number;
  /** 0: one for each core. They change the time, not the result. */
  threads: number;
}

/** A linear classifier of features, and how it was chosen. */
export interface FittedHead {
  /** float32 [length, classes] */
  weights: Float32Array;
  /** float32 [classes] */
  biases: Float32Array;
  /** Inverse strength of the penalty, as scikit-learn's C; of several classes, each with its own, the lowest. */
  C: number;
  /** The highest of several. */
  highestC?: number;
  /** On pictures that were held out, at the chosen C: mean cross-entropy in nats, and accuracy; absent where none could be. */
  heldOut?: { loss: number; accuracy: number } | undefined;
  /** Seconds that cross-validation and the last fit took. */
  seconds: number;
}

/**
 * Multinomial logistic regression on features, to its optimum, with the penalty that does best on pictures that were
 * held out (cross-validation in groups).
 */
export async function fitHead({ seed, threads, ...problem }: HeadData): Promise<FittedHead> {
  const started = performance.now();
  const { model, C, path } = await crossValidate(problem, { seed, threads });
  const chosen = path.find((point) => point.C === C);
  return {
    weights: Float32Array.from(model.coefficients),
    biases: Float32Array.from(model.biases),
    C,
    heldOut: chosen && { loss: chosen.logLoss, accuracy: chosen.accuracy },
    seconds: (performance.now() - started) / 1000,
  };
}
