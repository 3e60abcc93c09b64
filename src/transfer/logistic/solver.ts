import { Piscina } from 'piscina';
import { mapConcurrently } from '../../async/concurrency.ts';
import { usableCores } from '../../system/cores.ts';
import { threadModule } from '../../system/thread_module.ts';
import {
  type Design,
  type Layout,
  type LogisticRegressionProblem,
  layOut,
  type Reduced,
  reduce,
  startOf,
  tileClasses,
  unreduce,
  unscale,
  withSingles,
} from './design.ts';
import { type Kernels, loadKernels, SharedMemory } from './module.ts';
import { type Slot, type Solution, slotBytes, solve, type Task } from './solve.ts';

/** Multiplications and additions that take about as long as starting threads. */
const workForThreads = 2e9;

/** Evaluations of a typical path of penalties, with which the work of a problem is estimated. */
const typicalEvaluations = 600;

export interface SolverOptions {
  /** 0: one for each core. They change the time, not the result. */
  threads: number;
}

/**
 * A logistic regression problem in memory, for fits on some of its rows. Fits run in threads where that saves time; each
 * is computed by one thread in one order, so the result does not depend on how many there are.
 */
export class Solver {
  readonly layout: Layout;
  /** What fits are computed with: the problem itself, or its rotation into fewer columns. */
  readonly design: Design;
  readonly #reduced: Reduced | undefined;
  readonly #memory = new SharedMemory();
  readonly #kernels: Kernels;
  readonly #slots: Slot[];
  readonly #threads: number;
  #pool: Piscina<{ slot: Slot; task: Task }, Solution> | undefined;

  /** @throws {UserError} where the problem needs more than 4 GiB. */
  constructor(problem: LogisticRegressionProblem, { threads }: SolverOptions) {
    this.#kernels = loadKernels(this.#memory.memory);
    this.layout = layOut(this.#memory, problem);
    const { count, design } = this.layout;
    this.#reduced = count <= design.width ? reduce(this.#memory, this.layout) : undefined;
    this.design = withSingles(this.#memory, this.#reduced?.design ?? design, count);
    const work = 2 * count * this.design.width * design.tiles * tileClasses * typicalEvaluations;
    this.#threads = work < workForThreads ? 1 : threads || usableCores();
    const bytes = slotBytes([design, this.design], count);
    this.#slots = Array.from({ length: this.#threads }, () => ({
      rows: this.#memory.allocate(bytes.rows),
      parameters: this.#memory.allocate(bytes.parameters),
      gradient: this.#memory.allocate(bytes.gradient),
      work: this.#memory.allocate(bytes.work),
      singles: this.#memory.allocate(bytes.singles),
      sums: this.#memory.allocate(bytes.sums),
    }));
  }

  /** All rows, in the order in which they are computed fastest: by the number of their entries. */
  orderedRows(): Int32Array {
    const { count } = this.layout;
    const lengths = this.#memory.integers(this.design.lengths, count);
    return Int32Array.from({ length: count }, (_, row) => row).sort(
      (a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b,
    );
  }

  /** Runs tasks, in threads if there are some. */
  solve(tasks: Task[]): Promise<Solution[]> {
    const free = [...this.#slots];
    return mapConcurrently(tasks, this.#slots.length, async (task) => {
      const slot = free.pop() as Slot;
      try {
        return await this.#run(slot, task);
      } finally {
        free.push(slot);
      }
    });
  }

  async #run(slot: Slot, task: Task): Promise<Solution> {
    if (this.#threads === 1) return solve(this.#kernels, this.#memory.memory, slot, task);
    this.#pool ??= new Piscina({
      filename: threadModule('./thread', import.meta.url),
      workerData: this.#memory.memory,
      minThreads: this.#threads,
      maxThreads: this.#threads,
    });
    return this.#pool.run({ slot, task });
  }

  /** A start without features, and the norm of the gradient there, by which others are judged. */
  async start(rows: Int32Array, penalty: number): Promise<{ start: Float64Array; gradientNorm: number }> {
    const shares = this.sharesOf(rows);
    const start = startOf(this.design, shares);
    const task = { design: this.design, rows, penalty, start, gradientNorm: 0, maxEvaluations: 1 };
    const [{ gradientNorm } = { gradientNorm: 0 }] = await this.solve([task]);
    const total = shares.reduce((sum, share) => sum + share, 0);
    // Features that do not vary leave rounding alone, which nothing can be relative to.
    return { start, gradientNorm: Math.max(gradientNorm, 1e-6 * total) };
  }

  /** Weight of each class in these rows: float64 [classes]. */
  sharesOf(rows: Int32Array): Float64Array {
    const { classes, tiles, soft } = this.design;
    const { count } = this.layout;
    const weights = this.#memory.doubles(this.design.weights, count);
    const labels = this.#memory.integers(this.design.labels, count);
    const shares = new Float64Array(classes);
    const perRow = tiles * tileClasses;
    const targets = soft === 0 ? undefined : this.#memory.doubles(soft, count * perRow);
    for (const row of rows) {
      const weight = weights[row] as number;
      if (targets)
        for (let k = 0; k < classes; k++)
          shares[k] = (shares[k] as number) + weight * (targets[row * perRow + k] as number);
      else shares[labels[row] as number] = (shares[labels[row] as number] as number) + weight;
    }
    return shares;
  }

  /**
   * Continues a fit on all rows with the features as they are, to the wanted gradient: usually it is there already.
   * @param parameters of {@link design}.
   */
  async finish(task: Omit<Task, 'design' | 'start'>, parameters: Float64Array): Promise<Solution> {
    const { design } = this.layout;
    const start = this.#reduced ? unreduce(this.#memory, this.layout, this.#reduced, parameters) : parameters;
    const [solution] = await this.solve([{ ...task, design, start }]);
    return solution as Solution;
  }

  /** Coefficients and biases for the features as they were given, from parameters of {@link finish}. */
  coefficientsOf(parameters: Float64Array): { coefficients: Float64Array; biases: Float64Array } {
    const shares = this.sharesOf(this.orderedRows());
    return unscale(this.layout, parameters, (label) => (shares[label] as number) > 0);
  }

  /** Gives the rows other labels and weights; the features, and what was computed from them, stay. */
  relabel(labels: ArrayLike<number>, weights: ArrayLike<number>): void {
    const { count, design } = this.layout;
    this.#memory.integers(design.labels, count).set(labels);
    this.#memory.doubles(design.weights, count).set(weights);
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}
