/** Damage to files, the same in each run. */
import { evenly } from './network.ts';

const strange = [
  null,
  -1,
  0,
  1,
  2,
  7,
  2 ** 31,
  2 ** 53,
  -0.5,
  Number.MAX_VALUE,
  '',
  'x',
  '__proto__',
  'conv1',
  'pictures',
  [],
  [0],
  [null],
  {},
  true,
];

/** Ways to damage what files hold. @param seed of what is damaged, and how. */
export function mutations(seed: number) {
  const numbers = evenly(seed);
  const below = (limit: number) => Math.floor(limit * (numbers.next().value as number));
  const oneOf = <T>(list: T[]): T => list[below(list.length)] as T;

  /** Another value at some place of what JSON can hold, or one of its parts missing or twice. */
  function mutateValue(value: unknown): unknown {
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    if (entries.length === 0 || value instanceof Uint8Array || below(12) === 0) return oneOf(strange);
    const [key, inner] = oneOf(entries);
    if (Array.isArray(value)) {
      const copy = [...value];
      const place = Number(key);
      const kind = below(20);
      if (kind < 2) copy.splice(place, kind, inner, inner);
      else copy[place] = mutateValue(inner);
      return copy;
    }
    if (below(12) > 0) return { ...(value as object), [key]: mutateValue(inner) };
    return Object.fromEntries(entries.filter(([name]) => name !== key));
  }

  /** Bits turned, a part missing, a part twice, the end missing. */
  function mutateBytes(data: Uint8Array): Uint8Array {
    const kind = below(4);
    const [from, to] = [below(data.length), below(data.length)].sort((a, b) => a - b) as [number, number];
    if (kind === 0) return data.subarray(0, to);
    if (kind === 1) return Buffer.concat([data.subarray(0, from), data.subarray(to)]);
    if (kind === 2) return Buffer.concat([data.subarray(0, to), data.subarray(from)]);
    const copy = new Uint8Array(data);
    for (let turned = below(4); turned >= 0; turned--) copy[below(data.length)] = below(256);
    return copy;
  }

  const mutateJson = (data: Uint8Array) =>
    Buffer.from(JSON.stringify(mutateValue(JSON.parse(Buffer.from(data).toString('utf8')))));

  return { numbers, below, oneOf, mutateValue, mutateBytes, mutateJson };
}
