/** So many at a time, first come first served. */
export class Slots {
  #free: number;
  #closed = false;
  readonly #waiting: { count: number; leave(taken: boolean): void }[] = [];

  /** @param count Infinity for no limit. */
  constructor(count: number) {
    this.#free = count;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Waits for slots.
   * @param count of all that there are at most.
   * @returns false where there will be none, since they are closed.
   */
  async take(count = 1): Promise<boolean> {
    if (this.#closed) return false;
    if (this.#waiting.length === 0 && this.#free >= count) {
      this.#free -= count;
      return true;
    }
    return new Promise((leave) => this.#waiting.push({ count, leave }));
  }

  give(count = 1): void {
    this.#free += count;
    for (let next = this.#waiting[0]; next && next.count <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.count;
      next.leave(true);
    }
  }

  /** No more are given; who waits leaves empty-handed. */
  close(): void {
    this.#closed = true;
    for (const { leave } of this.#waiting.splice(0)) leave(false);
  }
}
