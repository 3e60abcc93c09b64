import type { Histogram } from 'prom-client';

export interface BatcherOptions {
  /** Inputs that are worked on together. */
  maxBatch: number;
  /** Milliseconds that an input waits for others that are on their way. */
  maxWait: number;
  sizes?: Pick<Histogram, 'observe'>;
}

interface Entry<Input, Output> {
  input: Input;
  /** Until when it waits for others; by performance.now(). */
  until: number;
  signal: AbortSignal;
  resolve(output: Output): void;
  reject(error: unknown): void;
}

/** Works on an input together with others. @throws what the input's promise or the work throws, or why it was aborted. */
export type Batcher<Input, Output> = (input: Promise<Input>, signal: AbortSignal) => Promise<Output>;

/**
 * Puts single inputs together for work that is cheaper in batches, one batch at a time, first come first served.
 * A batch starts as soon as it is full, or nothing else is on its way, or its first input has waited long enough: who
 * comes alone never waits. What is aborted before its batch starts is left out.
 * @param work inputs -> outputs in the same order.
 */
export function makeBatcher<Input, Output>(
  work: (inputs: Input[]) => Promise<Output[]>,
  { maxBatch, maxWait, sizes }: BatcherOptions,
): Batcher<Input, Output> {
  let waiting: Entry<Input, Output>[] = [];
  let onTheirWay = 0;
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
    // What became ready meanwhile is let in first.
    setImmediate(() => {
      working = false;
      startWhereReady();
    });
  }

  function startWhereReady(): void {
    clearTimeout(timer);
    waiting = waiting.filter(({ signal }) => !signal.aborted);
    const [first] = waiting;
    if (working || !first) return;
    const left = first.until - performance.now();
    if (waiting.length >= maxBatch || onTheirWay === 0 || left <= 0) run(waiting.splice(0, maxBatch));
    else timer = setTimeout(startWhereReady, left);
  }

  return (coming, signal) => {
    onTheirWay++;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      const arrive = (input: Input) => {
        signal.throwIfAborted();
        waiting.push({ input, until: performance.now() + maxWait, signal, resolve, reject });
      };
      const done = () => {
        onTheirWay--;
        startWhereReady();
      };
      coming.then(arrive).catch(reject).finally(done);
    });
  };
}
