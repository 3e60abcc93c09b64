import type { Histogram } from 'prom-client';

export interface BatcherOptions {
  /** Largest number of inputs per batch. */
  maxBatch: number;
  /** Longest time in milliseconds that an input waits for others that are being decoded. */
  maxWait: number;
  /** Observes the size of each batch. */
  sizes?: Pick<Histogram, 'observe'>;
}

interface Entry<Input, Output> {
  input: Input;
  /** Its batch starts at this time at the latest, by performance.now(). */
  deadline: number;
  signal: AbortSignal;
  resolve(output: Output): void;
  reject(error: unknown): void;
}

/** Processes an input in a batch with others. @throws what the input's promise or the work throws, or the signal's reason. */
export type Batcher<Input, Output> = (input: Promise<Input>, signal: AbortSignal) => Promise<Output>;

/**
 * Collects single inputs into batches, which are processed one at a time in the order of arrival. A batch starts when
 * it is full, when no other input is being decoded, or when its first input has waited for `maxWait`; so a lone input
 * never waits. Inputs that are aborted before their batch starts are left out.
 * @param work maps inputs to outputs in the same order.
 */
export function makeBatcher<Input, Output>(
  work: (inputs: Input[]) => Promise<Output[]>,
  { maxBatch, maxWait, sizes }: BatcherOptions,
): Batcher<Input, Output> {
  let waiting: Entry<Input, Output>[] = [];
  let pending = 0;
  let working = false;
  let timer: NodeJS.Timeout | undefined;

  async function run(batch: Entry<Input, Output>[]): Promise<void> {
    working = true;
    sizes?.observe(batch.length);
    try {
      const outputs = await work(batch.map(({ input }) => input));
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index] as Output);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    // Lets inputs that became ready meanwhile join the next batch.
    setImmediate(() => {
      working = false;
      startIfReady();
    });
  }

  function startIfReady(): void {
    clearTimeout(timer);
    waiting = waiting.filter(({ signal }) => !signal.aborted);
    const [first] = waiting;
    if (working || !first) return;
    const left = first.deadline - performance.now();
    if (waiting.length >= maxBatch || pending === 0 || left <= 0) run(waiting.splice(0, maxBatch));
    else timer = setTimeout(startIfReady, left);
  }

  return (coming, signal) => {
    pending++;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      const arrive = (input: Input) => {
        signal.throwIfAborted();
        waiting.push({ input, deadline: performance.now() + maxWait, signal, resolve, reject });
      };
      const done = () => {
        pending--;
        startIfReady();
      };
      coming.then(arrive).catch(reject).finally(done);
    });
  };
}
