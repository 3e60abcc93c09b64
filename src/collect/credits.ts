import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLedger, type StoredEntry } from './ledger.ts';

/**
 * Reads the sources and licences of the collected pictures in a class folder; pictures that were deleted are left out.
 * @returns an entry per picture with its file name, URL, size and credit; [] where nothing was collected.
 * @example
 * ```ts
 * import { readCredits } from 'bat-sup';
 *
 * for (const { file, url, licence, creator } of await readCredits('rawdata/bat'))
 *   console.log(file, url, licence, creator);
 * ```
 */
export async function readCredits(folder: string): Promise<StoredEntry[]> {
  const stored = [...(await readLedger(folder)).values()].filter((entry) => entry.state === 'stored');
  return stored.filter(({ file }) => existsSync(join(folder, file)));
}

/** The attribution to print beside a picture: the source's own, or one made from what is known. */
export function creditLine({ attribution, title, creator, licence, landingPage, url }: StoredEntry): string {
  if (attribution) return attribution;
  const work = [title && `"${title}"`, creator && `by ${creator}`, licence && `(${licence})`].filter(Boolean);
  return [...work, landingPage ?? url].join(' ');
}
