import { type Answers, logitsOf } from './answers.ts';
import { bootstrapIntervals, type Interval } from './bootstrap.ts';
import { averageOf, type ClassFigures, classFigures } from './class_figures.ts';
import { confusionMatrix } from './confusion.ts';
import { areasUnder, type Ranking, rank } from './ranking.ts';
import { expectedCalibrationError, type ReliabilityBin, reliability } from './reliability.ts';
import { argmax, crossEntropy, softmax } from './softmax.ts';
import { wilsonInterval } from './wilson.ts';

/** Metrics of one class against the rest. The areas are null where every picture is of the class, or none is. */
export interface ClassEvaluation extends ClassFigures {
  /** Name of the class. */
  class: string;
  /** Area under the ROC curve, 0..1. */
  rocAuc: number | null;
  /** Area under the precision-recall curve (average precision), 0..1. */
  prAuc: number | null;
}

/** Metrics averaged over the classes, each 0..1; null where no class defines it. */
export interface Average {
  precision: number;
  recall: number;
  f1: number;
  rocAuc: number | null;
  prAuc: number | null;
}

/** How well the probabilities at one temperature match the share of correct answers. */
export interface Calibration {
  /** The logits were divided by it. */
  temperature: number;
  /** Mean softmax cross-entropy in nats. */
  loss: number;
  /** Expected calibration error, 0..1. */
  ece: number;
  reliability: ReliabilityBin[];
}

/** One of the pictures with the highest losses. */
export interface TopLoss {
  file: string;
  /** Its true class. */
  class: string;
  predicted: string;
  /** Probability of the predicted class, 0..1. */
  probability: number;
  /** Softmax cross-entropy in nats. */
  loss: number;
}

/** Metrics of a network on labelled pictures. Intervals are 95 % confidence intervals, [low, high] in 0..1. */
export interface Evaluation {
  /** Number of pictures. */
  pictures: number;
  /** Number of pictures that were classified correctly. */
  right: number;
  /** right / pictures, 0..1. */
  accuracy: number;
  /** Wilson score interval. */
  accuracyInterval: Interval;
  /** In the order of the network's classes. */
  classes: ClassEvaluation[];
  /** Unweighted mean over the classes that occur, as labels or as predictions. */
  macro: Average;
  /** Mean over the same classes, weighted by their support. */
  weighted: Average;
  /** Bootstrap intervals of the macro averages; null where no resample defines the metric. */
  intervals: Record<'f1' | 'rocAuc' | 'prAuc', Interval | null>;
  /** Number of bootstrap resamples. */
  resamples: number;
  /** Number of pictures, [true class][predicted class]. */
  confusion: number[][];
  /** At the temperature of the options. */
  calibrated: Calibration;
  /** At temperature 1. */
  uncalibrated: Calibration;
  /** Highest loss first. */
  topLosses: TopLoss[];
}

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** The logits are divided by it before softmax; 1 leaves them as they are. */
  temperature: number;
  /** Seed of the bootstrap resamples. */
  seed: number;
  /** How many of the pictures with the highest losses to list. */
  topLosses: number;
}

/**
 * Computes the metrics of predictions for labelled pictures, defined as in scikit-learn: `classification_report`,
 * `roc_auc_score` (one-vs-rest), `average_precision_score` and `log_loss`.
 * @param answers logits [pictures, classes] and the true class index of each picture.
 * @throws {RangeError} where a logit is NaN.
 * @example
 * ```ts
 * import { evaluate } from 'bat-sup';
 *
 * const answers = {
 *   classes: ['bat', 'sup'],
 *   files: ['1.png', '2.png', '3.png'],
 *   labels: [0, 0, 1],
 *   logits: Float32Array.of(2, 0, 0, 1, 0, 3),
 * };
 * const { accuracy, confusion } = evaluate(answers, { temperature: 1, seed: 1, topLosses: 1 });
 * console.log(accuracy, confusion); // 0.666..., [[1, 1], [0, 1]]
 * ```
 */
export function evaluate(answers: Answers, { temperature, seed, topLosses }: EvaluateOptions): Evaluation {
  const { classes, labels } = answers;
  const pictures = labels.length;
  const predicted = labels.map((_, picture) => argmax(logitsOf(answers, picture)));
  const right = labels.filter((label, picture) => predicted[picture] === label).length;
  const confusion = confusionMatrix(labels, predicted, classes.length);
  const rankings = rankClasses(answers, temperature);
  const figures = classEvaluations(classes, confusion, rankings);
  const resamples = affordableResamples(pictures, classes.length);
  return {
    pictures,
    right,
    accuracy: right / pictures,
    accuracyInterval: wilsonInterval(right, pictures),
    classes: figures,
    ...averages(figures, confusion),
    intervals: bootstrapIntervals(pictures, { resamples, seed }, (counts) => {
      const drawn = confusionMatrix(labels, predicted, classes.length, counts);
      const { f1, rocAuc, prAuc } = averages(classEvaluations(classes, drawn, rankings, counts), drawn).macro;
      return { f1, rocAuc, prAuc };
    }),
    resamples,
    confusion,
    calibrated: calibrationAt(answers, predicted, temperature),
    uncalibrated: calibrationAt(answers, predicted, 1),
    topLosses: findTopLosses(answers, predicted, temperature, topLosses),
  };
}

/** 1000, or fewer where so many pictures would take longer than a few seconds. */
function affordableResamples(pictures: number, classes: number): number {
  return Math.max(100, Math.min(1000, Math.floor(3e7 / (pictures * (classes + 1)))));
}

function rankClasses(answers: Answers, temperature: number): Ranking[] {
  const { classes, labels } = answers;
  const scores = classes.map(() => new Float64Array(labels.length));
  for (let picture = 0; picture < labels.length; picture++) {
    const probabilities = softmax(logitsOf(answers, picture), temperature);
    for (const [label, list] of scores.entries()) list[picture] = probabilities[label] as number;
  }
  return scores.map((list, label) => rank(list, (picture) => labels[picture] === label));
}

function classEvaluations(
  classes: string[],
  confusion: number[][],
  rankings: Ranking[],
  counts?: Uint32Array,
): ClassEvaluation[] {
  return classFigures(confusion).map((figures, label) => {
    const areas = areasUnder(rankings[label] as Ranking, counts);
    return {
      class: classes[label] as string,
      ...figures,
      rocAuc: areas?.rocAuc ?? null,
      prAuc: areas?.averagePrecision ?? null,
    };
  });
}

function averages(classes: ClassEvaluation[], confusion: number[][]): { macro: Average; weighted: Average } {
  const counted = classes.filter(
    ({ support }, label) => support > 0 || confusion.some((row) => (row[label] as number) > 0),
  );
  const average = (weights?: number[]): Average => {
    const mean = (metric: keyof Average) =>
      averageOf(
        counted.map((one) => one[metric]),
        weights,
      );
    return {
      precision: mean('precision') ?? 0,
      recall: mean('recall') ?? 0,
      f1: mean('f1') ?? 0,
      rocAuc: mean('rocAuc'),
      prAuc: mean('prAuc'),
    };
  };
  return { macro: average(), weighted: average(counted.map(({ support }) => support)) };
}

function calibrationAt(answers: Answers, predicted: number[], temperature: number): Calibration {
  const { labels } = answers;
  let loss = 0;
  const confidences = new Float64Array(labels.length);
  for (const [picture, label] of labels.entries()) {
    const logits = logitsOf(answers, picture);
    loss += crossEntropy(logits, label, temperature) / labels.length;
    confidences[picture] = softmax(logits, temperature)[predicted[picture] as number] as number;
  }
  const bins = reliability(confidences, (picture) => predicted[picture] === labels[picture]);
  return { temperature, loss, ece: expectedCalibrationError(bins), reliability: bins };
}

function findTopLosses(answers: Answers, predicted: number[], temperature: number, count: number): TopLoss[] {
  const { classes, files, labels } = answers;
  const losses = labels.map((label, picture) => ({
    picture,
    loss: crossEntropy(logitsOf(answers, picture), label, temperature),
  }));
  const highestFirst = losses.sort((a, b) => b.loss - a.loss || a.picture - b.picture);
  return highestFirst.slice(0, count).map(({ picture, loss }) => {
    const answer = predicted[picture] as number;
    return {
      file: files[picture] as string,
      class: classes[labels[picture] as number] as string,
      predicted: classes[answer] as string,
      probability: softmax(logitsOf(answers, picture), temperature)[answer] as number,
      loss,
    };
  });
}
