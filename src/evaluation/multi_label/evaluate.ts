import { type Answers, logitsOf } from '../answers.ts';
import { averagePrecision, meanAveragePrecision, scoresByClass } from './scores.ts';
import { sigmoid, sigmoidLoss } from './sigmoid.ts';

/** Answers for pictures that can show several classes. */
export interface SetAnswers extends Answers {
  /** Indices of the classes that each picture shows. */
  labelSets: number[][];
}

/** Precision, recall and F1, each 0..1; 0 where the denominator is 0. */
export interface SetFigures {
  precision: number;
  recall: number;
  f1: number;
}

export interface SetClassEvaluation extends SetFigures {
  class: string;
  /** The probability from which it is answered. */
  threshold: number;
  /** Number of pictures that show it. */
  support: number;
  /** Number of pictures for which it is answered. */
  answered: number;
  /** 0..1; null where no picture shows it. */
  averagePrecision: number | null;
}

/** One of the pictures with the highest losses. */
export interface SetTopLoss {
  file: string;
  /** What it shows, and what is answered. */
  classes: string[];
  answered: string[];
  /** Mean sigmoid cross-entropy over the classes, nats. */
  loss: number;
}

/** Metrics of a network whose classes do not exclude each other. */
export interface SetEvaluation {
  /** Number of pictures. */
  pictures: number;
  /** Number of pictures for which exactly the classes that they show are answered. */
  exact: number;
  /** exact / pictures. */
  exactMatch: number;
  /** Over the classes that pictures show; null where they show none. */
  meanAveragePrecision: number | null;
  /** Mean sigmoid cross-entropy over pictures and classes, nats. */
  loss: number;
  /** Of all answers together, and the mean over the classes. */
  micro: SetFigures;
  macro: SetFigures;
  /** In the order of the network's classes. */
  classes: SetClassEvaluation[];
  /** Numbers of pictures, [class shown][class]: that show both, and for which the second is answered. */
  shown: number[][];
  answered: number[][];
  /** Highest loss first. */
  topLosses: SetTopLoss[];
}

interface Counts {
  /** Shown and answered, answered, shown. */
  right: number;
  answered: number;
  shown: number;
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

function figuresOf({ right, answered, shown }: Counts): SetFigures {
  return {
    precision: ratio(right, answered),
    recall: ratio(right, shown),
    f1: ratio(2 * right, answered + shown),
  };
}

function mean(figures: SetFigures[], name: keyof SetFigures): number {
  return figures.reduce((sum, one) => sum + one[name], 0) / figures.length;
}

/** [class][class]: how many pictures show the first and have the second among `others`. */
function together(labelSets: number[][], others: number[][], classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [picture, labels] of labelSets.entries())
    for (const label of labels)
      for (const other of others[picture] as number[]) {
        const row = counts[label] as number[];
        row[other] = (row[other] as number) + 1;
      }
  return counts;
}

/**
 * Computes the metrics of predictions for pictures that can show several classes, defined as in scikit-learn:
 * `average_precision_score`, `f1_score` with `average` micro and macro, `accuracy_score` of label sets.
 * @param thresholds the probability from which each class is answered.
 */
export function evaluateSets(
  answers: SetAnswers,
  thresholds: number[],
  { topLosses }: { topLosses: number },
): SetEvaluation {
  const { classes, labelSets, files, logits } = answers;
  const pictures = labelSets.length;
  const answered = labelSets.map((_, picture) => {
    const row = logitsOf(answers, picture);
    return classes.flatMap((_, label) =>
      sigmoid(row[label] as number) >= (thresholds[label] as number) ? [label] : [],
    );
  });
  const losses = labelSets.map((labels, picture) => {
    const row = logitsOf(answers, picture);
    const sum = row.reduce(
      (total, logit, label) => total + sigmoidLoss(logit, labels.includes(label) ? 1 : 0),
      0,
    );
    return sum / classes.length;
  });
  const scores = scoresByClass(logits, labelSets, classes.length);
  const shown = together(labelSets, labelSets, classes.length);
  const answeredTogether = together(labelSets, answered, classes.length);
  const counts = classes.map(
    (_, label): Counts => ({
      right: answeredTogether[label]?.[label] as number,
      answered: answered.filter((some) => some.includes(label)).length,
      shown: shown[label]?.[label] as number,
    }),
  );
  const figures = counts.map(figuresOf);
  const total = (name: keyof Counts) => counts.reduce((sum, one) => sum + one[name], 0);
  const exact = labelSets.filter((labels, picture) => labels.join() === answered[picture]?.join()).length;
  const names = (labels: number[]) => labels.map((label) => classes[label] as string);
  return {
    pictures,
    exact,
    exactMatch: exact / pictures,
    meanAveragePrecision: meanAveragePrecision(scores),
    loss: losses.reduce((sum, loss) => sum + loss, 0) / pictures,
    micro: figuresOf({ right: total('right'), answered: total('answered'), shown: total('shown') }),
    macro: {
      precision: mean(figures, 'precision'),
      recall: mean(figures, 'recall'),
      f1: mean(figures, 'f1'),
    },
    classes: classes.map((name, label) => ({
      class: name,
      threshold: thresholds[label] as number,
      ...(figures[label] as SetFigures),
      support: counts[label]?.shown as number,
      answered: counts[label]?.answered as number,
      averagePrecision: averagePrecision(scores[label] as (typeof scores)[number]),
    })),
    shown,
    answered: answeredTogether,
    topLosses: [...losses.keys()]
      .sort((a, b) => (losses[b] as number) - (losses[a] as number) || a - b)
      .slice(0, topLosses)
      .map((picture) => ({
        file: files[picture] as string,
        classes: names(labelSets[picture] as number[]),
        answered: names(answered[picture] as number[]),
        loss: losses[picture] as number,
      })),
  };
}
