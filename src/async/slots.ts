/** A semaphore: limits how many run at the same time, first come first served. */
export class Slots {
  #free: number;
  #closed = false;
  readonly #waiting: { count: number; resolve(taken: boolean): void }[] = [];

  /** @param count the number of slots; Infinity for no limit. */
  constructor(count: number) {
    this.#free = count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Waits for free slots and takes them.
   * @param count at most the number of all slots.
   * @returns false where none were taken, because the slots are closed.
   */
  async take(count = 1): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#waiting.length === 0 && this.#free >= count) {
      this.#free -= count;
      return true;
    }
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  release(count = 1): void {
    this.#free += count;
    for (let next = this.#waiting[0]; next && next.count <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.count;
      next.resolve(true);
    }
  }

  /** No more slots can be taken; whoever waits gets false. */
  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(false);
  }
}
