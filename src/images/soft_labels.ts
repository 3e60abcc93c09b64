import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';

/**
 * Labels of pictures that show more than one class, as mixup and cutmix make them, by their paths. They are in a hidden JSON
 * file beside the class folders of rawdata and of data:
 * { "bat/a.png.aug-0003.jpg": { "shares": { "bat": 0.7, "sup": 0.3 }, "sources": ["bat/a.png", "sup/b.png"] } }
 */
export type SoftLabels = Record<string, SoftLabel>;

export interface SoftLabel {
  /** Each class's share of the label; together 1. */
  shares: Record<string, number>;
  /** Paths below rawdata of the pictures in it; it is named after the first one. */
  sources: string[];
}

const fileName = '.soft_labels.json';

/**
 * Reads the soft labels of a folder of class folders; {} where there are none.
 * @throws {UserError} where the file is damaged.
 */
export async function readSoftLabels(root: string): Promise<SoftLabels> {
  const file = join(root, fileName);
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    const labels: SoftLabels = JSON.parse(text);
    for (const { shares, sources } of Object.values(labels)) {
      const sum = Object.values(shares).reduce((total, share) => total + share, 0);
      if (!(Math.abs(sum - 1) < 1e-6) || !Array.isArray(sources)) throw new Error();
    }
    return labels;
  } catch {
    throw new UserError(`${file} is damaged; run "bat-sup augment" again, or remove it.`);
  }
}

/** Writes the soft labels, or removes the file where there are none. */
export async function writeSoftLabels(root: string, labels: SoftLabels): Promise<void> {
  const file = join(root, fileName);
  if (Object.keys(labels).length === 0) await rm(file, { force: true });
  else await writeFileAtomically(file, `${JSON.stringify(labels)}\n`);
}
