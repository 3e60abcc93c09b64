import { checkProblem, type LogisticRegressionProblem } from './logistic/design.ts';
import type { Solution, Task } from './logistic/solve.ts';
import { Solver } from './logistic/solver.ts';

export { firstNotFinite, type LogisticRegressionProblem } from './logistic/design.ts';

export interface LogisticRegressionOptions {
  /** Inverse strength of the penalty, above 0, as scikit-learn's. */
  C: number;
  /** The norm of the gradient to reach, relative to that without any features; default 1e-8. */
  tolerance?: number;
  /** Default 5000. */
  maxEvaluations?: number;
}

/** A linear classifier: logits = features x coefficients + biases. */
export interface LogisticRegression {
  /** float64 [length, classes], for the features as they were given */
  coefficients: Float64Array;
  /** float64 [classes], with the sum 0 over the classes that rows have */
  biases: Float64Array;
  /** The minimum: cross-entropies in nats, and penalty. */
  loss: number;
  /** The norm of the gradient, relative to that without any features. */
  gradientNorm: number;
  /** Whether that is at most the tolerance. It is not where `maxEvaluations` or the precision of float64 came first. */
  isConverged: boolean;
}

export const defaultTolerance = 1e-8;
export const defaultMaxEvaluations = 5000;

/**
 * Multinomial logistic regression: minimises
 *
 *     sum_i weights_i * crossEntropy(softmax(W^T x_i + b), y_i) + |W|^2 / (2 C)
 *
 * over the coefficients W and the biases b, which are not penalised, in float64 and in one thread. The minimum is that of
 * scikit-learn's LogisticRegression(C=C) with sample weights (with two classes, where that has a single vector, of
 * LogisticRegression(C=2 * C)).
 *
 * A class that no row has, or none with weight, gets coefficients of 0 and a bias far below all others. Duplicate rows,
 * constant features and classes that can be separated are no problem.
 * @throws {RangeError} where sizes do not fit, or a feature is not a finite number ({@link firstNotFinite} says which).
 * @example
 * const { coefficients, biases } = await fitLogisticRegression({ features, length: 1280, labels, classes: 8 }, { C: 1 });
 */
export async function fitLogisticRegression(
  problem: LogisticRegressionProblem,
  { C, tolerance = defaultTolerance, maxEvaluations = defaultMaxEvaluations }: LogisticRegressionOptions,
): Promise<LogisticRegression> {
  checkProblem(problem);
  if (!(C > 0 && Number.isFinite(C))) throw new RangeError(`C must be a number above 0; received ${C}.`);
  const solver = new Solver(problem, { threads: 1 });
  const rows = solver.orderedRows();
  // The solver's features have been divided by a scale, of which the penalty must know.
  const penalty = 1 / (C * solver.layout.scale ** 2);
  const { start, gradientNorm } = await solver.start(rows, penalty);
  const task = { rows, penalty, gradientNorm: tolerance * gradientNorm, maxEvaluations };
  return finishFit(solver, task, start, gradientNorm);
}

/**
 * Fits all rows: in fewer columns, if there are, then with the features as they are, where the gradient is checked.
 * @param reference the norm of the gradient without features.
 */
export async function finishFit(
  solver: Solver,
  task: Omit<Task, 'design' | 'start'>,
  start: Float64Array,
  reference: number,
): Promise<LogisticRegression> {
  const [reduced] = await solver.solve([{ ...task, design: solver.design, start }]);
  const solution = await solver.finish(task, (reduced as Solution).parameters);
  return {
    ...solver.coefficientsOf(solution.parameters),
    loss: solution.loss,
    gradientNorm: solution.gradientNorm / reference,
    isConverged: solution.gradientNorm <= task.gradientNorm,
  };
}
