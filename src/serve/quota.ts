/** A limited amount of something; unlike Slots it refuses at once what exceeds the limit. */
export class Quota {
  readonly max: number;
  #used = 0;

  constructor(max: number) {
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** @returns whether `count` was available, and is taken now. */
  tryTake(count: number): boolean {
    if (this.#used + count > this.max) return false;
    this.#used += count;
    return true;
  }

  release(count: number): void {
    this.#used -= count;
  }
}
