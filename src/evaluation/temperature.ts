import { type Answers, logitsOf } from './answers.ts';
import { highest } from './softmax.ts';

/** Beyond these a temperature says that the pictures cannot tell it. */
const coldest = 1 / 20;
const hottest = 20;

const precision = 1e-12;

/** First and second derivative of the summed cross-entropy by 1 / temperature, at `inverse`. */
function slopes(answers: Answers, inverse: number): { slope: number; curvature: number } {
  let slope = 0;
  let curvature = 0;
  for (const [picture, label] of answers.labels.entries()) {
    const logits = logitsOf(answers, picture);
    const top = logits[highest(logits)] as number;
    let [sum, first, second] = [0, 0, 0];
    for (const value of logits) {
      const logit = value - top;
      const weight = Math.exp(logit * inverse);
      sum += weight;
      first += weight * logit;
      second += weight * logit ** 2;
    }
    const mean = first / sum;
    slope += mean - ((logits[label] as number) - top);
    curvature += second / sum - mean ** 2;
  }
  return { slope, curvature };
}

/**
 * One number fitted on n pictures costs about 1 / 2n nats on others. From so many on that is little beside what it
 * gains where probabilities are far off; on fewer a handful of mistakes decide.
 */
export const minPictures = 100;

/** Why answers cannot tell a temperature, in words; undefined where they can. */
export function whyNotFit(answers: Answers): string | undefined {
  const { length } = answers.labels;
  if (length < minPictures)
    return `${length} pictures held back are too few to go by; it takes ${minPictures}.`;
  if (fitTemperature(answers) === undefined)
    return 'all answers are right or none is; they tell no temperature.';
  return undefined;
}

/**
 * The temperature by which to divide the logits so that the mean cross-entropy is least (Guo et al. 2017). The
 * cross-entropy is convex in 1 / temperature, so that Newton's method, kept between two bounds, finds it.
 * @returns undefined where there is none from 1/20 to 20: with every picture right, the colder the better.
 */
export function fitTemperature(answers: Answers): number | undefined {
  let [low, high] = [1 / hottest, 1 / coldest];
  if (slopes(answers, low).slope >= 0 || slopes(answers, high).slope <= 0) return undefined;
  let inverse = 1;
  for (let round = 0; round < 200 && high - low > precision; round++) {
    const { slope, curvature } = slopes(answers, inverse);
    if (slope === 0) break;
    if (slope < 0) low = inverse;
    else high = inverse;
    const newton = inverse - slope / curvature;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - inverse) < precision) break;
    inverse = next;
  }
  return 1 / inverse;
}
