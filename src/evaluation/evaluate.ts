import { type Answers, logitsOf } from './answers.ts';
import { bootstrapIntervals, type Interval } from './bootstrap.ts';
import { averageOf, type ClassFigures, classFigures } from './class_figures.ts';
import { confusionMatrix } from './confusion.ts';
import { areasUnder, type Ranking, rank } from './ranking.ts';
import { expectedCalibrationError, type ReliabilityBin, reliability } from './reliability.ts';
import { crossEntropy, highest, softmax } from './softmax.ts';
import { wilsonInterval } from './wilson.ts';

/** A class against the rest; the areas are null where all pictures are of the class, or none is. */
export interface ClassEvaluation extends ClassFigures {
  class: string;
  /** Area under the ROC curve, 0..1. */
  rocAuc: number | null;
  /** Area under the precision-recall curve as average precision, 0..1. */
  prAuc: number | null;
}

export interface Average {
  precision: number;
  recall: number;
  f1: number;
  rocAuc: number | null;
  prAuc: number | null;
}

export interface Calibration {
  temperature: number;
  /** Mean softmax cross-entropy, nats. */
  loss: number;
  /** Expected calibration error, 0..1. */
  ece: number;
  reliability: ReliabilityBin[];
}

export interface TopLoss {
  file: string;
  class: string;
  predicted: string;
  /** What the predicted class is given. */
  probability: number;
  /** Nats. */
  loss: number;
}

/** Shares are 0..1, intervals are of 95 %. Probabilities are those of the temperature. */
export interface Evaluation {
  pictures: number;
  right: number;
  accuracy: number;
  /** Wilson's. */
  accuracyInterval: Interval;
  classes: ClassEvaluation[];
  /** Mean over the classes that are there or were said to be. */
  macro: Average;
  /** The same by the number of pictures. */
  weighted: Average;
  /** Of the macro averages, by drawing the pictures anew `resamples` times. */
  intervals: Record<'f1' | 'rocAuc' | 'prAuc', Interval | null>;
  resamples: number;
  /** [true class][predicted class], pictures. */
  confusion: number[][];
  calibrated: Calibration;
  /** The same with the logits as they are. */
  uncalibrated: Calibration;
  topLosses: TopLoss[];
}

export interface EvaluateOptions {
  /** Divides the logits. */
  temperature: number;
  /** Of drawing the pictures anew. */
  seed: number;
  /** How many of the pictures with the highest losses to name. */
  topLosses: number;
}

/**
 * How good the answers are. The figures are scikit-learn's: classification_report, roc_auc_score (one-vs-rest),
 * average_precision_score, log_loss.
 */
export function evaluate(answers: Answers, { temperature, seed, topLosses }: EvaluateOptions): Evaluation {
  const { classes, labels } = answers;
  const pictures = labels.length;
  const predicted = labels.map((_, picture) => highest(logitsOf(answers, picture)));
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

/** A thousand, fewer where the pictures are so many that they would take longer than a few seconds. */
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
  const average = (weights?: number[]): Average => ({
    precision:
      averageOf(
        counted.map(({ precision }) => precision),
        weights,
      ) ?? 0,
    recall:
      averageOf(
        counted.map(({ recall }) => recall),
        weights,
      ) ?? 0,
    f1:
      averageOf(
        counted.map(({ f1 }) => f1),
        weights,
      ) ?? 0,
    rocAuc: averageOf(
      counted.map(({ rocAuc }) => rocAuc),
      weights,
    ),
    prAuc: averageOf(
      counted.map(({ prAuc }) => prAuc),
      weights,
    ),
  });
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
