import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLedger, type StoredEntry } from './ledger.ts';

/** What the ledger of a class folder knows of each collected picture that is still there. */
export async function readCredits(folder: string): Promise<StoredEntry[]> {
  const stored = [...(await readLedger(folder)).values()].filter((entry) => entry.state === 'stored');
  return stored.filter(({ file }) => existsSync(join(folder, file)));
}

/** The line to print beside a picture: the source's own, or what is known. */
export function creditLine({ attribution, title, creator, licence, landingPage, url }: StoredEntry): string {
  if (attribution) return attribution;
  const work = [title && `"${title}"`, creator && `by ${creator}`, licence && `(${licence})`].filter(Boolean);
  return [...work, landingPage ?? url].join(' ');
}
