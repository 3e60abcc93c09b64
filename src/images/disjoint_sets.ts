/** Union-find over 0 ... count-1. A set is represented by its smallest member. */
export class DisjointSets {
  readonly #parents: Int32Array;

  constructor(count: number) {
    this.#parents = Int32Array.from({ length: count }, (_, index) => index);
  }

  get count(): number {
    return this.#parents.length;
  }

  /** The representative of a member's set. */
  find(member: number): number {
    const parents = this.#parents;
    let at = member;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  }

  join(one: number, other: number): void {
    const [a, b] = [this.find(one), this.find(other)];
    this.#parents[Math.max(a, b)] = Math.min(a, b);
  }

  /** The representative of each member's set, int32 [count]. */
  representatives(): Int32Array {
    return this.#parents.map((_, member) => this.find(member));
  }
}
