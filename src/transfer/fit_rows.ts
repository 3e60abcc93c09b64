import { dot, minimise, type Objective } from './logistic/minimise.ts';

/** Features, and a head some of whose rows are to be fitted. */
export interface RowsProblem {
  /** float32 [pictures, length] */
  features: Float32Array;
  length: number;
  classes: number;
  /** Indices of the classes whose rows are fitted; those of all others stay. */
  rows: number[];
  /** float32 [length, classes] and [classes]: the head so far. */
  head: { weights: Float32Array; biases: Float32Array };
  /** float32 [pictures, classes]: how much of each class a picture shows. */
  targets: Float32Array;
  /** [pictures], the weight of each in the loss; absent: 1 each. */
  weights?: Float32Array | undefined;
  /** Inverse strength of the penalty on the rows that are fitted, as scikit-learn's C. */
  C: number;
}

/** The norm of the gradient to reach, relative to that at the start. */
const tolerance = 1e-6;
const maxEvaluations = 500;
/** Relative errors of losses. */
const noise = 1e-10;

/** For each picture the logarithm of the sum of the exponentials of the logits that stay, which stands for all of them. */
function knownLogits({ features, length, classes, rows, head }: RowsProblem): Float64Array {
  const known = Array.from({ length: classes }, (_, one) => one).filter((one) => !rows.includes(one));
  return Float64Array.from({ length: features.length / length }, (_, picture) => {
    const logits = known.map((one) => {
      let sum = head.biases[one] as number;
      for (let j = 0; j < length; j++)
        sum += (features[picture * length + j] as number) * (head.weights[j * classes + one] as number);
      return sum;
    });
    const highest = Math.max(...logits);
    return highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  });
}

/** Loss of the rows to fit as a function of their parameters: [rows, length] coefficients, then [rows] biases. */
function objectiveOf(problem: RowsProblem): Objective {
  const { features, length, classes, rows, targets, weights, C } = problem;
  const known = knownLogits(problem);
  const count = rows.length;
  const biases = count * length;
  /** Calls `take` for each picture with the probabilities of the classes to fit. @returns the loss of all. */
  const forAll = (at: Float64Array, take: (picture: number, probabilities: Float64Array) => void): number => {
    const probabilities = new Float64Array(count);
    let loss = 0;
    for (let picture = 0; picture < known.length; picture++) {
      const weight = weights?.[picture] ?? 1;
      const other = known[picture] as number;
      let highest = other;
      for (let k = 0; k < count; k++) {
        let sum = at[biases + k] as number;
        for (let j = 0; j < length; j++)
          sum += (at[k * length + j] as number) * (features[picture * length + j] as number);
        probabilities[k] = sum;
        highest = Math.max(highest, sum);
      }
      let total = Math.exp(other - highest);
      for (const logit of probabilities) total += Math.exp(logit - highest);
      const whole = highest + Math.log(total);
      let shown = 0;
      for (let k = 0; k < count; k++) {
        const target = targets[picture * classes + (rows[k] as number)] as number;
        loss += weight * target * (whole - (probabilities[k] as number));
        shown += target;
        probabilities[k] = Math.exp((probabilities[k] as number) - whole);
      }
      loss += weight * (1 - shown) * (whole - other);
      take(picture, probabilities);
    }
    return loss;
  };
  return {
    evaluate(at, gradient) {
      const loss = forAll(at, (picture, probabilities) => {
        const weight = weights?.[picture] ?? 1;
        for (let k = 0; k < count; k++) {
          const target = targets[picture * classes + (rows[k] as number)] as number;
          const error = weight * ((probabilities[k] as number) - target);
          gradient[biases + k] = (gradient[biases + k] as number) + error;
          for (let j = 0; j < length; j++)
            gradient[k * length + j] =
              (gradient[k * length + j] as number) + error * (features[picture * length + j] as number);
        }
      });
      let squares = 0;
      for (let i = 0; i < biases; i++) {
        gradient[i] = (gradient[i] as number) + (at[i] as number) / C;
        squares += (at[i] as number) ** 2;
      }
      return loss + squares / (2 * C);
    },
    curvature(at) {
      const diagonal = new Float64Array(at.length);
      forAll(at, (picture, probabilities) => {
        const weight = weights?.[picture] ?? 1;
        for (let k = 0; k < count; k++) {
          const p = probabilities[k] as number;
          const share = weight * p * (1 - p);
          diagonal[biases + k] = (diagonal[biases + k] as number) + share;
          for (let j = 0; j < length; j++)
            diagonal[k * length + j] =
              (diagonal[k * length + j] as number) + share * (features[picture * length + j] as number) ** 2;
        }
      });
      // Biases are not penalised: where all probabilities are near 0 or 1, steps would be endless.
      const least = 1e-6 * known.length;
      return diagonal.map((value, i) => (i < biases ? value + 1 / C : Math.max(value, least)));
    },
  };
}

/**
 * Fits some rows of a head beside others that stay: multinomial logistic regression on features in which the logits of the other
 * classes are given, to its optimum.
 * @returns the head with the rows that were fitted.
 */
export function fitRows(problem: RowsProblem): RowsProblem['head'] {
  const { length, classes, rows, head } = problem;
  const objective = objectiveOf(problem);
  const start = new Float64Array(rows.length * (length + 1));
  const biases = rows.length * length;
  for (const [k, one] of rows.entries()) start[biases + k] = head.biases[one] as number;
  const gradient = new Float64Array(start.length);
  objective.evaluate(start, gradient);
  const target = tolerance * Math.sqrt(dot(gradient, gradient));
  const { at } = minimise(objective, start, { target: () => target, maxEvaluations, noise });
  const fitted = { weights: head.weights.slice(), biases: head.biases.slice() };
  for (const [k, one] of rows.entries()) {
    fitted.biases[one] = at[biases + k] as number;
    for (let j = 0; j < length; j++) fitted.weights[j * classes + one] = at[k * length + j] as number;
  }
  return fitted;
}
