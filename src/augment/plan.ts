import { basename, join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import type { ClassFolder } from '../images/find.ts';
import { generatedNameOf } from '../images/generated.ts';

/** The copies that one source is to have. */
export interface Work {
  source: string;
  copies: number[];
}

export interface Unreadable {
  file: string;
  reason: string;
}

/**
 * Copies of each source so that the class reaches the target: every source once before any twice.
 * @param isTaken whether a copy's name is that of a picture of the user's own; such numbers are left out.
 */
export function shareCopies(
  sources: string[],
  target: number,
  isTaken: (source: string, copy: number) => boolean = () => false,
): Work[] {
  const wanted = Math.max(0, target - sources.length);
  return sources.map((source, index) => {
    const count = Math.floor((wanted + sources.length - 1 - index) / sources.length);
    const copies: number[] = [];
    for (let copy = 1; copies.length < count; copy++) if (!isTaken(source, copy)) copies.push(copy);
    return { source, copies };
  });
}

/** What a class has, what it is to have and what it lacks. */
export interface ClassPlan {
  name: string;
  sources: string[];
  /** Every copy that it is to have. */
  wanted: Work[];
  missing: Work[];
  /** Generated pictures that it is not to have. */
  surplus: string[];
}

/** The sources that `check` accepts; the others are reported by their files below `rawData`. */
export async function readableSources(
  files: string[],
  { rawData, workers }: { rawData: string; workers: number },
  check: (source: string) => Promise<void>,
): Promise<{ sources: string[]; unreadable: Unreadable[] }> {
  const unreadable: Unreadable[] = [];
  const checked = await mapConcurrently(files, workers, async (source) => {
    try {
      await check(source);
      return source;
    } catch (error) {
      unreadable.push({ file: join(rawData, source), reason: reason(error) });
      return undefined;
    }
  });
  return { sources: checked.filter((source) => source !== undefined), unreadable };
}

/** What is known of copies before they are made. */
export interface KnownCopies {
  /** Copies that augment has made, by their paths. */
  generated: Pick<ReadonlyMap<string, unknown>, 'has'>;
  /** Whether a copy is there, made of what its source is today. */
  has(source: string, copy: number): boolean;
  isTaken(source: string, copy: number): boolean;
}

/**
 * Plans one class.
 * @throws {UserError} where no source is left.
 */
export function planClass(
  { name, pictures }: ClassFolder,
  sources: string[],
  { rawData, target, unreadable }: { rawData: string; target: number; unreadable: Unreadable[] },
  { generated, has, isTaken }: KnownCopies,
): ClassPlan {
  if (sources.length === 0) {
    const [first] = unreadable;
    const why = first ? `: ${basename(first.file)} ${first.reason}` : '';
    throw new UserError(
      `${join(rawData, name)} holds no picture to make copies of${why}; mend that, or move the folder away.`,
    );
  }
  const wanted = shareCopies(sources, target, isTaken);
  const names = new Set(
    wanted.flatMap(({ source, copies }) => copies.map((copy) => generatedNameOf(source, copy))),
  );
  const made = pictures.map((picture) => `${name}/${picture}`).filter((file) => generated.has(file));
  const missing = wanted.map(({ source, copies }) => ({
    source,
    copies: copies.filter((copy) => !has(source, copy)),
  }));
  return {
    name,
    sources,
    wanted,
    missing: missing.filter(({ copies }) => copies.length > 0),
    surplus: made.filter((file) => !names.has(file)),
  };
}
