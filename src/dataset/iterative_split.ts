type Side = 'train' | 'validation';

/** Pictures that stay together, with what is to be in proportion on both sides. */
export interface LabelledGroup {
  /** How many of its pictures show each class, or a pair of classes, by name. */
  counts: Map<string, number>;
  /** 0 to 1, from the seed and its pictures alone. */
  draw: number;
}

/** How many pictures each side still needs, by key. */
type Needs = Map<string, Record<Side, number>>;

const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);

/** The groups that have each key, in their order. */
function groupsByKey<Group extends LabelledGroup>(groups: Group[]): Map<string, Set<Group>> {
  const found = new Map<string, Set<Group>>();
  for (const group of groups)
    for (const key of group.counts.keys()) {
      const having = found.get(key);
      if (having) having.add(group);
      else found.set(key, new Set([group]));
    }
  return found;
}

/**
 * How many pictures of each key each side should get: a share of them, and where there are two groups at least one picture
 * of a class on each side.
 */
function needsOf(groups: Map<string, Set<LabelledGroup>>, share: number, before: Needs): Needs {
  const needs: Needs = new Map();
  for (const [key, having] of groups) {
    const known = before.get(key) ?? { train: 0, validation: 0 };
    let total = known.train + known.validation;
    for (const { counts } of having) total += counts.get(key) as number;
    const canBeOnBoth = having.size + Math.sign(known.train) > 1 && !key.includes('\0');
    const validation = Math.max(total * share, canBeOnBoth ? 1 : 0);
    needs.set(key, {
      train: total - validation - known.train,
      validation: validation - known.validation,
    });
  }
  return needs;
}

/**
 * Deals groups out to training and validation so that both have each class, and each pair of classes, in proportion:
 * iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, algorithm 1) with the second order of Szymanski and
 * Kajdanowicz (2017). The rarest key first, each of its groups goes to the side that needs it most.
 * @param share of the pictures to hold back, above 0 to 0.9.
 * @param before pictures by key whose side is known.
 * @returns the groups to hold back.
 */
export function stratify<Group extends LabelledGroup>(
  groups: Group[],
  share: number,
  before: Needs = new Map(),
): Set<Group> {
  const waiting = groupsByKey(groups.toSorted((a, b) => a.draw - b.draw));
  const needs = needsOf(waiting, share, before);
  const held = new Set<Group>();
  const place = (group: Group, side: Side) => {
    if (side === 'validation') held.add(group);
    for (const [key, count] of group.counts) {
      (needs.get(key) as Record<Side, number>)[side] -= count;
      const others = waiting.get(key) as Set<Group>;
      others.delete(group);
      if (others.size === 0) waiting.delete(key);
    }
  };
  /** By how much more a side needs a key than the other; of equals, how much more it needs all keys of the group. */
  const lack = (key: string, { counts }: Group) => {
    const excess = (one: string) => {
      const { validation, train } = needs.get(one) as Record<Side, number>;
      return validation - train;
    };
    return excess(key) || sum([...counts.keys()].map(excess));
  };
  while (waiting.size > 0) {
    const [key, some] = [...waiting].reduce((rarest, one) => (one[1].size < rarest[1].size ? one : rarest));
    for (const group of some) place(group, lack(key, group) > 0 ? 'validation' : 'train');
  }
  return held;
}
