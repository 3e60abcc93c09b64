import { createHash } from 'node:crypto';
import type { SoftLabel } from '../images/soft_labels.ts';
import type { Change, MixChange } from './operation.ts';

/**
 * The source that a copy is mixed with, any but its own. Each has a rank by the choice's name and the highest is
 * taken, so that few choices change where sources come or go (rendezvous hashing, Thaler and Ravishankar 1998).
 */
export function partnerOf({ partner }: MixChange, own: string, sources: readonly string[]): string {
  let [best, highest] = [own, ''];
  for (const source of sources) {
    if (source === own) continue;
    const rank = createHash('sha1').update(`${partner}/${source}`).digest('hex');
    if (rank > highest) [best, highest] = [source, rank];
  }
  return best;
}

/** The class folder of a path below rawdata. */
export function classOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}

/** Whose shares a copy's label has; undefined where nothing was mixed in. */
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
    const partner = partnerOf(mix, own, sources);
    shares = Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * mix.share]));
    shares[classOf(partner)] = (shares[classOf(partner)] ?? 0) + 1 - mix.share;
    used.push(partner);
  }
  return { shares, sources: used };
}
