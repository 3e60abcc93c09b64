import { type Design, parametersOf, tileClasses } from './design.ts';
import { dot, minimise, type Objective } from './minimise.ts';
import type { Kernels } from './module.ts';

/** A fit on some rows of a design. */
export interface Task {
  design: Design;
  /** Rows to fit, in this order. */
  rows: Int32Array;
  /** Weight of the penalty: penalty / 2 * |coefficients|^2. */
  penalty: number;
  start: Float64Array;
  /** The Euclidean norm of the gradient to reach. */
  gradientNorm: number;
  /** Or this share of the norm of the penalty's gradient, if that is larger; 0 where absent. */
  share?: number;
  maxEvaluations: number;
  /** Computes with features in float32, which takes half the time, to about four digits. */
  isSingle?: boolean;
  /** Rows to compute logits of afterwards. */
  heldOut?: Int32Array;
}

export interface Solution {
  parameters: Float64Array;
  /** Cross-entropies and penalty. */
  loss: number;
  gradientNorm: number;
  evaluations: number;
  /** float64 [heldOut.length, tiles, 4] */
  logits: Float64Array;
}

/** Room for one task at a time in the shared memory. */
export interface Slot {
  rows: number;
  parameters: number;
  gradient: number;
  work: number;
  /** Parameters as float32, and sums of gradients. */
  singles: number;
  sums: number;
}

/** Relative errors of losses. */
const singleNoise = 1e-6;
const doubleNoise = 1e-10;

/** Rows that the kernels take at once. */
const block = 32;

/** Bytes of each part of a slot that fits any of these designs. */
export function slotBytes(designs: Design[], count: number): Record<keyof Slot, number> {
  const parameters = 8 * Math.max(...designs.map(parametersOf));
  // In float32 tiles have eight classes: parameters take as many bytes as here, or those of one tile more.
  const { tiles } = designs[0] as Design;
  const singles = parameters + parameters / tiles;
  const work = 8 * (block + 1) * (tiles + 1) * tileClasses;
  return { rows: 4 * count, parameters, gradient: parameters, work, singles, sums: singles };
}

/** Parameters as float32, in tiles of eight classes: [tiles, width, 8], then biases. */
function writeSingles(
  { width, tiles }: Design,
  at: Float64Array,
  memory: WebAssembly.Memory,
  address: number,
): void {
  const pairs = Math.ceil(tiles / 2);
  const size = pairs * 2 * tileClasses;
  const to = new Float32Array(memory.buffer, address, (width + 1) * size);
  for (let tile = 0; tile < tiles; tile++) {
    const start = (tile >> 1) * width * 2 * tileClasses + (tile & 1) * tileClasses;
    for (let j = 0; j < width; j++)
      for (let lane = 0; lane < tileClasses; lane++)
        to[start + j * 2 * tileClasses + lane] = at[(tile * width + j) * tileClasses + lane] as number;
  }
  const biases = at.subarray(width * tiles * tileClasses);
  to.set(biases, width * size);
}

/** The loss of a task as a function of its parameters. */
function objectiveOf(kernels: Kernels, memory: WebAssembly.Memory, slot: Slot, task: Task): Objective {
  const { design, rows, penalty } = task;
  const size = parametersOf(design);
  const biases = design.width * design.tiles * tileClasses;
  const parameters = new Float64Array(memory.buffer, slot.parameters, size);
  const result = new Float64Array(memory.buffer, slot.gradient, size);
  const run = (at: Float64Array, curvature: 0 | 1) => {
    parameters.set(at);
    const { features, width, lengths, weights, labels, soft, classes } = design;
    const data = [slot.rows, rows.length, features, width, lengths, weights, labels, soft, classes] as const;
    return kernels.evaluate(...data, slot.parameters, slot.gradient, slot.work, curvature);
  };
  const runSingle = (at: Float64Array) => {
    writeSingles(design, at, memory, slot.singles);
    const { single, width, lengths, weights, labels, soft, classes } = design;
    const data = [slot.rows, rows.length, single, width, lengths, weights, labels, soft, classes] as const;
    return kernels.evaluateSingle(...data, slot.singles, slot.sums, slot.gradient, slot.work);
  };
  return {
    evaluate(at, gradient) {
      const loss = task.isSingle ? runSingle(at) : run(at, 0);
      gradient.set(result);
      let squares = 0;
      for (let i = 0; i < biases; i++) {
        const value = at[i] as number;
        gradient[i] = (gradient[i] as number) + penalty * value;
        squares += value * value;
      }
      return loss + (penalty / 2) * squares;
    },
    curvature(at) {
      run(at, 1);
      // Biases are not penalised: where all probabilities are near 0 or 1, steps would be endless.
      const least = 1e-6 * rows.length;
      return Float64Array.from(result, (value, i) => (i < biases ? value + penalty : Math.max(value, least)));
    },
  };
}

/**
 * At the minimum the gradients of cross-entropy and penalty cancel, so the penalty's says how large a gradient is small:
 * with weak penalties and separable classes all gradients are.
 */
function targetOf({ design, gradientNorm, share = 0, penalty }: Task, at: Float64Array): number {
  if (share === 0) return gradientNorm;
  const coefficients = at.subarray(0, design.width * design.tiles * tileClasses);
  return Math.max(gradientNorm, share * penalty * Math.sqrt(dot(coefficients, coefficients)));
}

/** Runs a task in this thread. */
export function solve(kernels: Kernels, memory: WebAssembly.Memory, slot: Slot, task: Task): Solution {
  const { design, rows, heldOut } = task;
  const put = (some: Int32Array) => new Int32Array(memory.buffer, slot.rows, some.length).set(some);
  put(rows);
  const { maxEvaluations } = task;
  const objective = objectiveOf(kernels, memory, slot, task);
  const target = (at: Float64Array) => targetOf(task, at);
  const noise = task.isSingle ? singleNoise : doubleNoise;
  const { at, value, ...rest } = minimise(objective, task.start, { target, maxEvaluations, noise });
  const solution: Solution = { parameters: at, loss: value, ...rest, logits: new Float64Array() };
  if (heldOut) {
    put(heldOut);
    solution.logits = logitsOf(kernels, memory, slot, design, at, heldOut.length);
  }
  return solution;
}

/** Logits of the rows in the slot, a block at a time: float64 [count, tiles, 4]. */
function logitsOf(
  kernels: Kernels,
  memory: WebAssembly.Memory,
  slot: Slot,
  { features, width, lengths, tiles }: Design,
  at: Float64Array,
  count: number,
): Float64Array {
  new Float64Array(memory.buffer, slot.parameters, at.length).set(at);
  const perRow = tiles * tileClasses;
  const logits = new Float64Array(count * perRow);
  for (let start = 0; start < count; start += block) {
    const some = Math.min(block, count - start);
    kernels.logits(slot.rows + 4 * start, some, features, width, lengths, tiles, slot.parameters, slot.work);
    logits.set(new Float64Array(memory.buffer, slot.work, some * perRow), start * perRow);
  }
  return logits;
}
