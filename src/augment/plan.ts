import { join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import type { ClassFolder } from '../images/find.ts';
import { generatedFrom, generatedNameOf } from '../images/generated.ts';

/** The copies that one source is to have. */
export interface Work {
  source: string;
  copies: number[];
}

export interface Unreadable {
  file: string;
  reason: string;
}

export function isSource(picture: string): boolean {
  return generatedFrom(picture) === undefined;
}

/** Copies of each source so that the class reaches the target: every source once before any twice. */
export function shareCopies(sources: string[], target: number): Work[] {
  const wanted = Math.max(0, target - sources.length);
  return sources.map((source, index) => {
    const count = Math.floor((wanted + sources.length - 1 - index) / sources.length);
    return { source, copies: Array.from({ length: count }, (_, copy) => copy + 1) };
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
  const checked = await mapConcurrently(files.filter(isSource), workers, async (source) => {
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

/**
 * Plans one class.
 * @param has whether a copy is there already
 * @throws {UserError} where no source is left.
 */
export function planClass(
  { name, pictures }: ClassFolder,
  sources: string[],
  { rawData, target }: { rawData: string; target: number },
  has: (source: string, copy: number) => boolean,
): ClassPlan {
  if (sources.length === 0) {
    throw new UserError(`${join(rawData, name)} holds no readable picture; add some or remove the folder.`);
  }
  const wanted = shareCopies(sources, target);
  const names = new Set(
    wanted.flatMap(({ source, copies }) => copies.map((copy) => generatedNameOf(source, copy))),
  );
  const generated = pictures.map((picture) => `${name}/${picture}`).filter((file) => !isSource(file));
  const missing = wanted.map(({ source, copies }) => ({
    source,
    copies: copies.filter((copy) => !has(source, copy)),
  }));
  return {
    name,
    sources,
    wanted,
    missing: missing.filter(({ copies }) => copies.length > 0),
    surplus: generated.filter((file) => !names.has(file)),
  };
}
