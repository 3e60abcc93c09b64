import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';

/**
 * When the contents or the name of a file last changed, milliseconds since 1970. The time of the last write alone would
 * take two files of the same size and time, as archives unpack them, for unchanged after they have swapped their names.
 * It stands in where a file system keeps nothing else.
 */
export function changeTime({ ctimeMs, mtimeMs }: Pick<Stats, 'ctimeMs' | 'mtimeMs'>): number {
  return ctimeMs || mtimeMs;
}

/** The change time of a file; 0 where it is missing. */
export function changeTimeOf(file: string): Promise<number> {
  return stat(file).then(changeTime, () => 0);
}
