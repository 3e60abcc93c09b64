import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';

/** Usual names for the parts of a dataset that has been split already. */
const trainingName = /^train(ing)?(_?set)?$/i;
const otherName = /^(val|valid|validation|test|testing|eval|evaluation|dev|holdout)(_?set)?$/i;

const isSplitName = (name: string) => trainingName.test(name) || otherName.test(name);

async function hasFolders(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
}

/**
 * Refuses folders such as train/ and val/, which are not classes. All must have such names and hold folders themselves, so that
 * a class `train` beside `bus` is accepted.
 * @param names of the folders below the root.
 * @throws {UserError} that says how to train on one and evaluate on another.
 */
export async function refuseSplitFolders(root: string, names: string[]): Promise<void> {
  if (!names.every(isSplitName)) return;
  for (const name of names) if (!(await hasFolders(join(root, name)))) return;
  const training = names.find((name) => trainingName.test(name)) ?? (names[0] as string);
  const other = names.find((name) => name !== training);
  const evaluation = other === undefined ? '' : `, then run "bat-sup evaluate ${join(root, other)}"`;
  throw new UserError(
    `${root} holds the parts of a split (${names.join(', ')}), not classes; ` +
      `give one of them, --raw-data ${join(root, training)}${evaluation}.`,
  );
}
