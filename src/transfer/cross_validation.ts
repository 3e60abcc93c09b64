import { createHash } from 'node:crypto';
import { mapConcurrently } from '../async/concurrency.ts';
import { argmax } from '../evaluation/softmax.ts';
import { checkProblem, type LogisticRegressionProblem, tileClasses } from './logistic/design.ts';
import { Solver } from './logistic/solver.ts';
import {
  defaultMaxEvaluations,
  defaultTolerance,
  finishFit,
  type LogisticRegression,
} from './logistic_regression.ts';

/** Rows with what must stay together. */
export interface GroupedProblem extends LogisticRegressionProblem {
  /** [count]: rows with the same number are never in training and in the fold that is held out at once. */
  groups: ArrayLike<number>;
  /** [classes], multiplies the weights of a class's rows, in training and in evaluation. */
  classWeights?: ArrayLike<number> | undefined;
}

export interface CrossValidationOptions {
  seed: number;
  /** 2 to 20; default 5. */
  folds?: number;
  /** 0, the default: one for each core. They change the time, not the result. */
  threads?: number;
}

/** How well fits do on rows that were held out. */
export interface Scores {
  /** Mean cross-entropy in nats; class weights count. */
  logLoss: number;
  /** Of the log loss, as a mean over rows. */
  standardError: number;
  /** 0 to 1; class weights count. */
  accuracy: number;
}

export interface PathPoint extends Scores {
  /** As {@link fitLogisticRegression} takes it. */
  C: number;
}

export interface CrossValidation {
  /** The chosen strength, as {@link fitLogisticRegression} takes it. */
  C: number;
  /** What was tried, from the strongest penalty. Empty where no class has pictures for two sides. */
  path: PathPoint[];
  /** The fold in which each row was held out; -1 for those that never were. */
  folds: Int8Array;
  /**
   * float64 [count, classes]: probabilities of rows from the fit that has not seen their group, at the chosen C. Zeros for
   * rows that were never held out.
   */
  probabilities: Float64Array;
  /** The fit on all rows at the chosen C. */
  model: LogisticRegression;
}

/** C for features whose rows have a mean squared length of 1, from the strongest penalty: half a decade apart. */
const pathStart = -1;
const pathEnd = 5;
const stepsPerDecade = 2;

/** The path ends after so many in a row that are not better than the best, or one that is clearly worse. */
const maxWorse = 2;
/** In standard errors: what is gained must be more, since what is within one is not chosen anyway. */
const minGain = 0.1;
const clearlyWorse = 1.01;

/** Chosen where nothing can be held out. */
const untriedC = 10;

/** Fits in folds end where the gradient is this share of the penalty's: log losses are then right to three digits. */
const pathShare = 0.03;
/** The same for the chosen penalty, whose probabilities are returned. */
const lastShare = 0.003;

/** A number of 0 to 1 that depends on the seed and the group alone. */
function drawOf(group: number, seed: number): number {
  return createHash('sha256').update(`${seed}/fold/${group}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** Rows that stay together. */
interface Group {
  rows: number[];
  /** Rows by class. */
  counts: Map<number, number>;
  draw: number;
}

function groupsOf({ groups, labels }: GroupedProblem, seed: number): Group[] {
  const found = new Map<number, Group>();
  for (let row = 0; row < labels.length; row++) {
    const id = groups[row] as number;
    const group: Group = found.get(id) ?? { rows: [], counts: new Map(), draw: drawOf(id, seed) };
    found.set(id, group);
    group.rows.push(row);
    const label = labels[row] as number;
    group.counts.set(label, (group.counts.get(label) ?? 0) + 1);
  }
  return [...found.values()];
}

/**
 * Deals groups out to folds so that each has about the same share of each class: the largest groups first, each to the
 * fold that has least of its classes. A class whose pictures are all in one group stays in training; a fold never takes
 * the last group of a class.
 * @returns the fold of each row; -1 for rows that are never held out.
 */
export function dealFolds(problem: GroupedProblem, { seed, folds = 5 }: CrossValidationOptions): Int8Array {
  const { classes, labels } = problem;
  const groups = groupsOf(problem, seed);
  const totals = new Float64Array(classes);
  const groupsLeft = new Int32Array(classes);
  for (const { counts } of groups)
    for (const [label, count] of counts) {
      totals[label] = (totals[label] as number) + count;
      groupsLeft[label] = (groupsLeft[label] as number) + 1;
    }
  const largest = ({ counts }: Group) => Math.max(0, ...counts.values());
  const order = groups.toSorted((a, b) => largest(b) - largest(a) || a.draw - b.draw);
  const held = Array.from({ length: folds }, () => new Float64Array(classes));
  const sizes = new Float64Array(folds);
  // Groups of each class that a fold has: not all of them.
  const heldGroups = Array.from({ length: folds }, () => new Int32Array(classes));
  const result = new Int8Array(labels.length).fill(-1);
  for (const { rows, counts } of order) {
    const present = [...counts];
    const isAllowed = (fold: number) =>
      present.every(([label]) => (heldGroups[fold]?.[label] as number) + 1 < (groupsLeft[label] as number));
    // How full a fold would be of these classes, in shares of all there is.
    const fullness = (fold: number) =>
      present.reduce(
        (sum, [label, count]) => sum + (count * (held[fold]?.[label] as number)) / (totals[label] as number),
        0,
      );
    const allowed = [...held.keys()].filter(isAllowed);
    if (allowed.length === 0) continue;
    const fold = allowed.reduce((best, one) => {
      const difference = fullness(one) - fullness(best) || (sizes[one] as number) - (sizes[best] as number);
      return difference < 0 ? one : best;
    });
    for (const row of rows) result[row] = fold;
    for (const [label, count] of present) {
      const [ofFold, groupsOfFold] = [held[fold] as Float64Array, heldGroups[fold] as Int32Array];
      ofFold[label] = (ofFold[label] as number) + count;
      groupsOfFold[label] = (groupsOfFold[label] as number) + 1;
      sizes[fold] = (sizes[fold] as number) + count;
    }
  }
  return result;
}

/** Softmax of logits [rows.length, padded] to the rows of `to` [count, classes]. */
function writeProbabilities(logits: Float64Array, rows: Int32Array, classes: number, to: Float64Array): void {
  const padded = Math.ceil(classes / tileClasses) * tileClasses;
  for (const [i, row] of rows.entries()) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) highest = Math.max(highest, logits[i * padded + k] as number);
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const value = Math.exp((logits[i * padded + k] as number) - highest);
      to[row * classes + k] = value;
      sum += value;
    }
    for (let k = 0; k < classes; k++) to[row * classes + k] = (to[row * classes + k] as number) / sum;
  }
}

/** Least probability that counts: a single row must not decide alone. float32 probabilities end there, too. */
const leastProbability = 1e-15;

function scoresOf(
  { labels, classes, classWeights }: GroupedProblem,
  rows: number[],
  probabilities: Float64Array,
): Scores {
  const losses = rows.map((row) => {
    const probability = probabilities[row * classes + (labels[row] as number)] as number;
    return -Math.log(Math.max(probability, leastProbability));
  });
  const weights = rows.map((row) => classWeights?.[labels[row] as number] ?? 1);
  const isCorrect = rows.map(
    (row) => argmax(probabilities.subarray(row * classes, (row + 1) * classes)) === labels[row],
  );
  const total = sum(weights);
  const logLoss = sum(losses.map((loss, at) => (weights[at] as number) * loss)) / total;
  const squares = losses.map((loss, at) => ((weights[at] as number) * (loss - logLoss)) ** 2);
  return {
    logLoss,
    standardError: Math.sqrt(sum(squares)) / total,
    accuracy: sum(weights.map((weight, at) => (isCorrect[at] ? weight : 0))) / total,
  };
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * The strongest penalty whose log loss is within one standard error of the least (Breiman et al., Classification and
 * Regression Trees, 1984, section 3.4.3), of the least and the step before it. Pictures of one source often resemble each
 * other in ways that no group names, so held-out rows are easier than what will be asked later; a stronger penalty makes up
 * for that. No more than a step: the standard error of few rows allows any penalty, up to one that learns nothing.
 */
function choose<Point extends { scores: Scores }>(rounds: Point[]): Point | undefined {
  const least = leastOf(rounds);
  if (least === undefined) return undefined;
  const limit = least.scores.logLoss + least.scores.standardError;
  const before = rounds[rounds.indexOf(least) - 1];
  return before && before.scores.logLoss <= limit ? before : least;
}

function leastOf<Point extends { scores: Scores }>(rounds: Point[]): Point | undefined {
  const [first, ...others] = rounds;
  return others.reduce(
    (least, one) => (least && one.scores.logLoss < least.scores.logLoss ? one : least),
    first,
  );
}

function weightsWithClasses({ weights, classWeights, labels }: GroupedProblem): Float64Array {
  return Float64Array.from(
    { length: labels.length },
    (_, row) => (weights?.[row] ?? 1) * (classWeights?.[labels[row] as number] ?? 1),
  );
}

/** The rows of a fit, and what it has come to. */
interface Side {
  rows: Int32Array;
  heldOut: Int32Array;
  parameters: Float64Array;
  /** The norm of the gradient without features. */
  gradientNorm: number;
}

/** What the fits of all sides at one penalty have come to. */
interface Round {
  /** For features of rows with a mean squared length of 1. */
  C: number;
  scores: Scores;
  sides: Side[];
}

/** The fits of all folds that hold out something, then that of all rows, before they start. */
async function startSides(solver: Solver, folds: Int8Array): Promise<Side[]> {
  const all = solver.orderedRows();
  const used = [...new Set(folds)].filter((fold) => fold >= 0).sort((a, b) => a - b);
  const sides = used.map((fold) => ({
    rows: all.filter((row) => folds[row] !== fold),
    heldOut: all.filter((row) => folds[row] === fold),
  }));
  const whole = { rows: all, heldOut: new Int32Array() };
  return mapConcurrently([...sides, whole], 1, async (side) => {
    const { start, gradientNorm } = await solver.start(side.rows, 1);
    return { ...side, parameters: start, gradientNorm };
  });
}

/** Fits all sides at one penalty, from where they are, about as exactly as float32 allows. */
async function fitSides(
  solver: Solver,
  problem: GroupedProblem,
  sides: Side[],
  { C, share }: { C: number; share: number },
): Promise<Round & { probabilities: Float64Array }> {
  const solutions = await solver.solve(
    sides.map(({ rows, heldOut, parameters, gradientNorm }) => ({
      design: solver.design,
      rows,
      heldOut,
      penalty: 1 / C,
      start: parameters,
      gradientNorm: defaultTolerance * gradientNorm,
      share,
      isSingle: true,
      maxEvaluations: defaultMaxEvaluations,
    })),
  );
  const { classes, labels } = problem;
  const probabilities = new Float64Array(labels.length * classes);
  for (const [index, { logits }] of solutions.entries())
    writeProbabilities(logits, (sides[index] as Side).heldOut, classes, probabilities);
  const heldOut = sides.flatMap((side) => [...side.heldOut]);
  return {
    C,
    scores: scoresOf(problem, heldOut, probabilities),
    probabilities,
    sides: sides.map((side, index) => ({
      ...side,
      parameters: solutions[index]?.parameters as Float64Array,
    })),
  };
}

/** Weakens the penalty until held-out rows get worse. @returns all rounds, from the strongest penalty. */
async function followPath(solver: Solver, problem: GroupedProblem, start: Side[]): Promise<Round[]> {
  const rounds: Round[] = [];
  let sides = start;
  for (let step = 0, worse = 0; worse < maxWorse && step <= (pathEnd - pathStart) * stepsPerDecade; step++) {
    const C = 10 ** (pathStart + step / stepsPerDecade);
    // Probabilities of all rounds would fill the memory.
    const { probabilities: _, ...round } = await fitSides(solver, problem, sides, { C, share: pathShare });
    const least = leastOf(rounds);
    rounds.push(round);
    sides = round.sides;
    const gain = least ? least.scores.logLoss - round.scores.logLoss : Number.POSITIVE_INFINITY;
    if (gain > minGain * round.scores.standardError) worse = 0;
    else worse += least && round.scores.logLoss > clearlyWorse * least.scores.logLoss ? maxWorse : 1;
  }
  return rounds;
}

/**
 * Chooses the strength of the penalty by stratified, grouped k-fold cross-validation, and fits all rows with it. From
 * the strongest penalty on, each fit starts where the one before ended; the path ends where held-out rows get worse.
 * @throws {RangeError} as {@link fitLogisticRegression}, or where groups do not fit.
 * @example
 * const { model, C, path } = await crossValidate({ features, length, labels, classes, groups }, { seed: 1 });
 */
export async function crossValidate(
  problem: GroupedProblem,
  options: CrossValidationOptions,
): Promise<CrossValidation> {
  checkSizes(problem);
  const weights = weightsWithClasses(problem);
  checkProblem({ ...problem, weights });
  const solver = new Solver({ ...problem, weights }, { threads: options.threads ?? 0 });
  try {
    return await crossValidateWith(solver, problem, options);
  } finally {
    await solver.close();
  }
}

/** As {@link crossValidate}, with a solver that has the problem, its weights multiplied by those of the classes, in memory. */
export async function crossValidateWith(
  solver: Solver,
  problem: GroupedProblem,
  options: CrossValidationOptions,
): Promise<CrossValidation> {
  const folds = dealFolds(problem, options);
  const start = await startSides(solver, folds);
  const rounds = start.length > 1 ? await followPath(solver, problem, start) : [];
  const best = choose(rounds);
  const C = best?.C ?? untriedC;
  const last = await fitSides(solver, problem, best?.sides ?? start, { C, share: lastShare });
  const whole = last.sides.at(-1) as Side;
  const task = {
    rows: whole.rows,
    penalty: 1 / C,
    gradientNorm: defaultTolerance * whole.gradientNorm,
    maxEvaluations: defaultMaxEvaluations,
  };
  const model = await finishFit(solver, task, whole.parameters, whole.gradientNorm);
  const unit = 1 / solver.layout.scale ** 2;
  const path = rounds.map((round) => ({ C: round.C * unit, ...(round === best ? last : round).scores }));
  return { C: C * unit, path, folds, probabilities: last.probabilities, model };
}

function checkSizes({ groups, classWeights, labels, classes }: GroupedProblem): void {
  for (const [name, values, size] of [
    ['groups', groups, labels.length],
    ['classWeights', classWeights, classes],
  ] as const)
    if (values !== undefined && values.length !== size)
      throw new RangeError(`${name} must have ${size} numbers; received ${values.length}.`);
}
