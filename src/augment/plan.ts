import { basename, join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import type { ClassFolder } from '../images/find.ts';
import { generatedNameOf } from '../images/generated.ts';

/** Numbers of some copies of one source, from 1. */
export interface CopiesOfSource {
  source: string;
  copies: number[];
}

export interface Unreadable {
  file: string;
  reason: string;
}

/**
 * Spreads copies evenly over the sources, so that the class reaches the target: every source once before any twice.
 * @param isTaken whether a copy's name is that of one of the user's own pictures; such numbers are left out.
 */
export function shareCopies(
  sources: string[],
  target: number,
  isTaken: (source: string, copy: number) => boolean = () => false,
): CopiesOfSource[] {
  const wanted = Math.max(0, target - sources.length);
  return sources.map((source, index) => {
    const count = Math.floor((wanted + sources.length - 1 - index) / sources.length);
    const copies: number[] = [];
    for (let copy = 1; copies.length < count; copy++) if (!isTaken(source, copy)) copies.push(copy);
    return { source, copies };
  });
}

/** What a class should have, and what it lacks. */
export interface ClassPlan {
  name: string;
  sources: string[];
  /** Every copy that it should have. */
  wanted: CopiesOfSource[];
  missing: CopiesOfSource[];
  /** Paths below rawdata of generated pictures that it should not have. */
  surplus: string[];
}

/** Splits files into those that `check` accepts and those for which it throws. */
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
  /** Paths of the copies that augment has made. */
  generated: Pick<ReadonlyMap<string, unknown>, 'has'>;
  /** Whether a copy is there and up to date. */
  has(source: string, copy: number): boolean;
  /** Whether its name is that of one of the user's own pictures. */
  isTaken(source: string, copy: number): boolean;
}

/**
 * Plans one class.
 * @throws {UserError} where no source is readable.
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
      `${join(rawData, name)} holds no readable picture to make copies of${why}; add pictures, or remove the folder.`,
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
