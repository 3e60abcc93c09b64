import { checkProblem, type LogisticRegressionProblem } from './logistic/design.ts';
import { Solver } from './logistic/solver.ts';

export { deviationsOf, firstNotFinite, type LogisticRegressionProblem } from './logistic/design.ts';

export interface LogisticRegressionOptions {
  /** Inverse strength of the penalty, above 0, as scikit-learn's: of the coefficients of features divided by `deviation`. */
  C: number;
  /** The norm of the gradient to reach, relative to that without any features; default 1e-8. */
  tolerance?: number;
  /** Default 5000. */
  maxEvaluations?: number;
  /** 0, the default: one for each core. They change the time, not the result. */
  threads?: number;
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
  /** How often the loss and its gradient were computed. */
  evaluations: number;
}

export const defaultTolerance = 1e-8;
export const defaultMaxEvaluations = 5000;

/**
 * Multinomial logistic regression: minimises
 *
 *     sum_i weights_i * crossEntropy(softmax(W^T (x_i / deviation) + b), y_i) + |W|^2 / (2 C)
 *
 * over the coefficients W and the biases b, which are not penalised, in float64. The result is the same to the last bit
 * whatever the number of threads. It is scikit-learn's LogisticRegression(C=C) with sample weights, to rounding.
 *
 * A class that no row has, or none with weight, gets coefficients of 0 and a bias far below all others. Duplicate rows,
 * constant features and classes that can be separated are no problem.
 * @throws {RangeError} where sizes do not fit, or a feature is not a finite number ({@link firstNotFinite} says which).
 * @example
 * const { coefficients, biases } = await fitLogisticRegression({ features, length: 1280, labels, classes: 8 }, { C: 1 });
 */
export async function fitLogisticRegression(
  problem: LogisticRegressionProblem,
  options: LogisticRegressionOptions,
): Promise<LogisticRegression> {
  checkProblem(problem);
  checkC(options.C);
  const solver = new Solver(problem, { threads: 1 });
  const rows = solver.orderedRows();
  const { penalty, tolerance, maxEvaluations } = termsOf(solver, options);
  const { start, gradientNorm } = await solver.start(rows, penalty);
  const task = { rows, penalty, gradientNorm: tolerance * gradientNorm, maxEvaluations };
  const [reduced] = await solver.solve([{ ...task, design: solver.design, start }]);
  const before = reduced as NonNullable<typeof reduced>;
  return finishFit(solver, task, before.parameters, {
    ...options,
    reference: gradientNorm,
    before: before.evaluations,
  });
}

export function checkC(C: number): void {
  if (!(C > 0 && Number.isFinite(C))) throw new RangeError(`C must be a number above 0; received ${C}.`);
}

/** Options with their defaults; features have been divided by a scale, of which the penalty knows. */
function termsOf(
  solver: Solver,
  { C, tolerance = defaultTolerance, maxEvaluations = defaultMaxEvaluations }: LogisticRegressionOptions,
) {
  return { penalty: 1 / (C * solver.layout.scale ** 2), tolerance, maxEvaluations };
}

/** The last step of a fit on all rows, whose gradient is checked with the features as they are. */
export async function finishFit(
  solver: Solver,
  task: { rows: Int32Array; penalty: number; gradientNorm: number; maxEvaluations: number },
  parameters: Float64Array,
  {
    reference,
    before,
    tolerance = defaultTolerance,
  }: { reference: number; before: number; tolerance?: number },
): Promise<LogisticRegression> {
  const solution = await solver.finish(task, parameters);
  const gradientNorm = solution.gradientNorm / reference;
  return {
    ...solver.coefficientsOf(solution.parameters),
    loss: solution.loss,
    gradientNorm,
    isConverged: gradientNorm <= tolerance,
    evaluations: before + solution.evaluations,
  };
}
