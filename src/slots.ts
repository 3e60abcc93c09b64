/** So many at a time, first come first served. */
export class Slots {
  #free: number;
  #closed = false;
  readonly #waiting: ((taken: boolean) => void)[] = [];

  /** @param count Infinity for no limit. */
  constructor(count: number) {
    this.#free = count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Waits for a slot. @returns false where there will be none, since they are closed. */
  async take(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next(true);
    else this.#free++;
  }

  /** No more are given; who waits leaves empty-handed. */
  close(): void {
    this.#closed = true;
    for (const leave of this.#waiting.splice(0)) leave(false);
  }
}
