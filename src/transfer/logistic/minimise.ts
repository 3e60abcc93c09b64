/** A convex function that can be minimised. */
export interface Objective {
  /** Fills `gradient`, and returns the value. */
  evaluate(at: Float64Array, gradient: Float64Array): number;
  /** Approximates the diagonal of the Hessian: positive. */
  curvature(at: Float64Array): Float64Array;
}

export interface MinimiseOptions {
  /** The Euclidean norm of the gradient to reach, at a point. */
  target(at: Float64Array): number;
  maxEvaluations: number;
  /** Relative change of the value that rounding hides: slopes decide then (Hager and Zhang 2005, "approximate Wolfe"). */
  noise: number;
}

export interface Minimum {
  at: Float64Array;
  value: number;
  gradientNorm: number;
  evaluations: number;
}

/** Pairs of steps and changes of the gradient that L-BFGS remembers. */
const memory = 10;

/** Sufficient decrease (Armijo). */
const decrease = 1e-4;

/** A pair whose product is smaller than this, relative to its lengths, says nothing about the curvature. */
const minProduct = 1e-14;

const maxBacktracks = 30;

/** Steps in a row after which rounding is all that is left: the value did not fall, nor did the gradient shrink. */
const maxIdle = 30;

interface Pair {
  step: Float64Array;
  /** How the gradient changed. */
  change: Float64Array;
  product: number;
}

export function dot(a: Float64Array, b: Float64Array): number {
  // Four sums, so that the processor need not wait for each addition.
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = whole; i < a.length; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

/** y += factor * x */
function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] = (y[i] as number) + factor * (x[i] as number);
}

/** s^T y / y^T D^-1 y for the last pair: scales the diagonal to the curvature met last (Nocedal and Wright, 7.20). */
function scaleOf({ change, product }: Pair, diagonal: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < change.length; i++) sum += (change[i] as number) ** 2 / (diagonal[i] as number);
  return product / sum;
}

/** Minus the inverse Hessian, as the pairs and the diagonal approximate it, times the gradient (Nocedal and Wright, algorithm 7.4). */
function directionOf(gradient: Float64Array, pairs: Pair[], diagonal: Float64Array): Float64Array {
  const direction = gradient.slice();
  const alphas: number[] = [];
  for (const { step, change, product } of pairs.toReversed()) {
    const alpha = dot(step, direction) / product;
    alphas.push(alpha);
    addScaled(direction, -alpha, change);
  }
  const last = pairs.at(-1);
  const scale = last ? scaleOf(last, diagonal) : 1;
  for (let i = 0; i < direction.length; i++)
    direction[i] = (scale * (direction[i] as number)) / (diagonal[i] as number);
  for (const { step, change, product } of pairs) {
    const beta = dot(change, direction) / product;
    addScaled(direction, (alphas.pop() as number) - beta, step);
  }
  for (let i = 0; i < direction.length; i++) direction[i] = -(direction[i] as number);
  return direction;
}

interface Point {
  at: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** A point along the direction where the value has fallen enough; undefined where there is none. */
function search(
  start: Point,
  direction: Float64Array,
  evaluate: (at: Float64Array) => Point,
  noise: number,
): Point | undefined {
  const slope = dot(start.gradient, direction);
  if (!(slope < 0)) return undefined;
  let length = 1;
  for (let trial = 0; trial < maxBacktracks; trial++) {
    const at = start.at.slice();
    addScaled(at, length, direction);
    const next = evaluate(at);
    const rise = next.value - start.value;
    if (rise <= decrease * length * slope) return next;
    const isNoise = Math.abs(rise) <= noise * Math.abs(start.value);
    if (isNoise && dot(next.gradient, direction) <= (2 * decrease - 1) * slope) return next;
    // The lowest point of the parabola through the value, the slope and the new value.
    const parabola = (-slope * length ** 2) / (2 * (rise - length * slope));
    length = Math.max(0.1 * length, Math.min(0.5 * length, parabola || 0));
  }
  return undefined;
}

function pairOf(from: Point, to: Point): Pair | undefined {
  const step = to.at.map((value, i) => value - (from.at[i] as number));
  const change = to.gradient.map((value, i) => value - (from.gradient[i] as number));
  const product = dot(step, change);
  const isUseful = product > minProduct * Math.sqrt(dot(step, step) * dot(change, change));
  return isUseful ? { step, change, product } : undefined;
}

/**
 * Minimises a convex function by L-BFGS with a diagonal preconditioner.
 * @returns where it ended: with a larger gradient than wanted where `maxEvaluations` or the precision of float64 is reached.
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { target, maxEvaluations, noise }: MinimiseOptions,
): Minimum {
  let evaluations = 0;
  const evaluate = (at: Float64Array): Point => {
    const gradient = new Float64Array(at.length);
    evaluations++;
    return { at, value: objective.evaluate(at, gradient), gradient };
  };
  const norm = ({ gradient }: Point) => Math.sqrt(dot(gradient, gradient));

  let point = evaluate(start);
  let diagonal: Float64Array | undefined;
  let pairs: Pair[] = [];
  let [least, idle] = [norm(point), 0];
  while (norm(point) > target(point.at) && evaluations < maxEvaluations && idle < maxIdle) {
    diagonal ??= objective.curvature(point.at);
    const next = search(point, directionOf(point.gradient, pairs, diagonal), evaluate, noise);
    if (next === undefined) {
      if (pairs.length === 0) break;
      // What is remembered misleads: start again from here.
      pairs = [];
      diagonal = undefined;
      continue;
    }
    const pair = pairOf(point, next);
    if (pair) pairs = [...pairs.slice(1 - memory), pair];
    idle = next.value < point.value || norm(next) < least ? 0 : idle + 1;
    least = Math.min(least, norm(next));
    point = next;
  }
  return { at: point.at, value: point.value, gradientNorm: norm(point), evaluations };
}
