import seedrandom from 'seedrandom';
import type { Answers } from '../../src/evaluation/answers.ts';

/** Answers from rows of logits. */
export function answersOf(logits: number[][], labels: number[]): Answers {
  const classes = Array.from({ length: logits[0]?.length ?? 0 }, (_, index) => `class ${index}`);
  return {
    classes,
    labels,
    files: labels.map((_, index) => `${index}.jpg`),
    logits: Float32Array.from(logits.flat()),
  };
}

/** Random answers of an overconfident network that is often correct; some logits tie. */
export function randomAnswers(pictures: number, classes: number, seed: string): Answers {
  const random = seedrandom(seed);
  const labels = Array.from({ length: pictures }, (_, index) =>
    index < classes ? index : Math.floor(random() ** 2 * classes),
  );
  const logits = labels.map((label) =>
    Array.from(
      { length: classes },
      (_, index) => Math.round(20 * (4 * random() + (index === label ? 1.5 : 0))) / 8,
    ),
  );
  return answersOf(logits, labels);
}
