import { counted } from '../text/format.ts';
import { type Answers, logitsOf } from './answers.ts';
import { argmax } from './softmax.ts';

/** A temperature outside these bounds means that the pictures do not determine it. */
const minTemperature = 1 / 20;
const maxTemperature = 20;

const precision = 1e-12;

/** First and second derivative of the summed cross-entropy with respect to 1 / temperature, at `inverse`. */
function slopes(answers: Answers, inverse: number): { slope: number; curvature: number } {
  let slope = 0;
  let curvature = 0;
  for (const [picture, label] of answers.labels.entries()) {
    const logits = logitsOf(answers, picture);
    const top = logits[argmax(logits)] as number;
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
 * A parameter fitted on n pictures costs about 1 / 2n nats on unseen ones. With 100 pictures that is small compared with
 * what calibration gains; with fewer, a handful of mistakes decides the result.
 */
export const minPictures = 100;

/** Why no temperature can be fitted on these answers; undefined where one can. */
export function whyNotFit(answers: Answers): string | undefined {
  const { length } = answers.labels;
  if (length < minPictures)
    return `only ${counted(length, 'picture is', 'pictures are')} held back; it takes ${minPictures}.`;
  if (fitTemperature(answers) === undefined)
    return 'all answers are correct or all are wrong, so no temperature fits best.';
  return undefined;
}

/**
 * Temperature scaling: the divisor of the logits that minimises the cross-entropy (Guo et al., On Calibration of Modern
 * Neural Networks, 2017, section 4.2). The cross-entropy is convex in 1 / temperature, so bounded Newton steps find it.
 * @returns undefined where the minimum is not between 1/20 and 20, for example where every answer is correct.
 */
export function fitTemperature(answers: Answers): number | undefined {
  let [low, high] = [1 / maxTemperature, 1 / minTemperature];
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
