import { createHash } from 'node:crypto';
import type { SoftLabel } from '../images/soft_labels.ts';
import type { Change, MixChange } from './operation.ts';
import type { Random } from './random.ts';

/** A random key for {@link choosePartner}. */
export function newPartnerKey(random: Random): string {
  return random().toString(36).slice(2);
}

/**
 * Chooses the source that a copy is mixed with: any but its own. Rendezvous hashing (Thaler and Ravishankar 1998) hashes
 * the mix's key with each source and takes the highest, so that few choices change when sources are added or removed.
 */
export function choosePartner({ partner }: MixChange, own: string, sources: readonly string[]): string {
  let [best, highest] = [own, ''];
  for (const source of sources) {
    if (source === own) continue;
    const hash = createHash('sha1').update(`${partner}/${source}`).digest('hex');
    if (hash > highest) [best, highest] = [source, hash];
  }
  return best;
}

/** The class of a picture, from its path below rawdata. */
export function classOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

/**
 * The label of a copy into which other sources are mixed; undefined where none is.
 * @param own the copy's source.
 */
export function softLabelOf(
  changes: Change[],
  own: string,
  sources: readonly string[],
): SoftLabel | undefined {
  const mixes = changes.filter((change) => change.kind === 'mix');
  if (mixes.length === 0) return undefined;
  let shares: Record<string, number> = { [classOf(own)]: 1 };
  const used = [own];
  for (const mix of mixes) {
    const partner = choosePartner(mix, own, sources);
    shares = Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * mix.share]));
    shares[classOf(partner)] = (shares[classOf(partner)] ?? 0) + 1 - mix.share;
    used.push(partner);
  }
  return { shares, sources: used };
}
