/** So many of something at a time; who finds no place is turned away. */
export class Places {
  readonly most: number;
  #taken = 0;

  constructor(most: number) {
    this.most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @returns whether there was room. */
  take(count: number): boolean {
    if (this.#taken + count > this.most) return false;
    this.#taken += count;
    return true;
  }

  give(count: number): void {
    this.#taken -= count;
  }
}
