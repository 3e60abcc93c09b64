import { crossValidateWith } from './cross_validation.ts';
import type { FittedHead } from './fit_head.ts';
import { checkProblem } from './logistic/design.ts';
import { Solver } from './logistic/solver.ts';

/** What a head of classes that do not exclude each other learns from. */
export interface OneVsRestData {
  /** float32 [pictures, length] */
  features: Float32Array;
  length: number;
  /** [pictures]: the indices of the classes that each shows. */
  labelSets: number[][];
  classes: number;
  /** The classes to fit; those of the others stay as they are in `head`. */
  rows: number[];
  /** float32 [length, classes] and [classes]: the head so far. */
  head: { weights: Float32Array; biases: Float32Array };
  /** [classes]: weights of the pictures that show a class, and of those that do not; absent: 1. */
  classWeights?: number[] | undefined;
  absentWeights?: number[] | undefined;
  /** [pictures]: equal for pictures that must not be on both sides of a fold. */
  groups: number[];
  seed: number;
  /** 0: one for each core. They change the time, not the result. */
  threads: number;
}

/** Probability of 0.5, from which a class counts as answered here: thresholds are chosen later. */
const half = 0.5;
/** Least probability that counts in a loss. */
const least = 1e-15;

/** What the fits of the classes say about pictures that they have not seen. */
class HeldOut {
  readonly #isHeld: Uint8Array;
  readonly #isRight: Uint8Array;
  readonly #losses: Float64Array;

  constructor(pictures: number) {
    this.#isHeld = new Uint8Array(pictures).fill(1);
    this.#isRight = new Uint8Array(pictures).fill(1);
    this.#losses = new Float64Array(pictures);
  }

  /** @param probabilities [pictures, 2] of one class, the second that it is shown. */
  add(labels: Uint8Array, folds: Int8Array, probabilities: Float64Array): void {
    for (const [row, label] of labels.entries()) {
      if (folds[row] === -1) this.#isHeld[row] = 0;
      const shown = (probabilities[2 * row + 1] as number) > half;
      if (shown !== (label === 1)) this.#isRight[row] = 0;
      const probability = probabilities[2 * row + label] as number;
      this.#losses[row] = (this.#losses[row] as number) - Math.log(Math.max(probability, least));
    }
  }

  /** Mean loss of a class and share of pictures with all classes right; undefined where no picture was held out of all. */
  scores(classes: number): FittedHead['heldOut'] {
    const rows = [...this.#isHeld.keys()].filter((row) => this.#isHeld[row] === 1);
    if (rows.length === 0 || classes === 0) return undefined;
    const sum = (values: ArrayLike<number>) =>
      rows.reduce((total, row) => total + (values[row] as number), 0);
    return { loss: sum(this.#losses) / (rows.length * classes), accuracy: sum(this.#isRight) / rows.length };
  }
}

/**
 * One logistic regression for each class against all pictures without it, each to its optimum, with the penalty that does
 * best for it on pictures that were held out. Each is the minimum of scikit-learn's LogisticRegression(C) of two classes.
 */
export async function fitOneVsRest(data: OneVsRestData): Promise<FittedHead> {
  const { features, length, labelSets, classes, rows, groups, seed, threads } = data;
  const started = performance.now();
  const { classWeights = [], absentWeights = [] } = data;
  const head = { weights: data.head.weights.slice(), biases: data.head.biases.slice() };
  const count = labelSets.length;
  const problem = { features, length, classes: 2, groups, labels: new Uint8Array(count) };
  checkProblem(problem);
  const heldOut = new HeldOut(count);
  const strengths: number[] = [];
  // The features are laid out, and their Gram matrix is factored, once for all classes.
  const solver = new Solver(problem, { threads });
  try {
    for (const label of rows) {
      const labels = Uint8Array.from(labelSets, (set) => (set.includes(label) ? 1 : 0));
      const ofClasses = [absentWeights[label] ?? 1, classWeights[label] ?? 1];
      solver.relabel(
        labels,
        Float64Array.from(labels, (one) => ofClasses[one] as number),
      );
      const one = { ...problem, labels, classWeights: ofClasses };
      const { model, C, folds, probabilities } = await crossValidateWith(solver, one, { seed, threads });
      const { coefficients, biases } = model;
      for (let j = 0; j < length; j++)
        head.weights[j * classes + label] =
          (coefficients[2 * j + 1] as number) - (coefficients[2 * j] as number);
      head.biases[label] = (biases[1] as number) - (biases[0] as number);
      heldOut.add(labels, folds, probabilities);
      // Two vectors with half the penalty each are one with all of it.
      strengths.push(2 * C);
    }
  } finally {
    await solver.close();
  }
  const [C, highestC] = [Math.min(...strengths), Math.max(...strengths)];
  return {
    ...head,
    C,
    ...(highestC > C && { highestC }),
    heldOut: heldOut.scores(rows.length),
    seconds: (performance.now() - started) / 1000,
  };
}
