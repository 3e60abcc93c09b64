import { stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError, UserError } from '../errors.ts';
import { parentOfClasses, whyNoClasses } from '../images/no_classes.ts';
import { quoteForShell } from '../text/quote.ts';

/** Lets a command take the folder of raw pictures without its flag: `bat-sup train ~/photos`. */
export function rawDataArgument(command: Command): Command {
  return command.argument('[raw-data]', 'folder of your pictures, the same as --raw-data');
}

/** What to type where a class folder was given instead of the folder that holds it. */
function commandFor(command: string, parent: string): string {
  const isInside = !relative(parent, process.cwd()).startsWith('..');
  if (!isInside) return `"bat-sup ${command} ${quoteForShell(parent)}"`;
  // Its data/ and checkpoints/ must not come to lie among the pictures.
  const above = dirname(parent);
  return `go to ${quoteForShell(above)} and run "bat-sup ${command} ${quoteForShell(relative(above, parent))}"`;
}

/**
 * The flags, with the folder that was given as an argument as --raw-data.
 * @param command for messages, its name.
 * @throws {UsageError} where two folders are given.
 * @throws {UserError} where the folder is not there, or holds the pictures of one class.
 */
export async function withRawData<Flags extends Record<string, unknown>>(
  command: string,
  folder: string | undefined,
  flags: Flags,
): Promise<Flags & { rawData?: unknown }> {
  if (folder !== undefined && flags.rawData !== undefined)
    throw new UsageError(`"${folder}" and --raw-data both name the raw pictures; give one of them.`);
  const given = folder ?? flags.rawData;
  if (typeof given !== 'string') return flags;
  const isFolder = await stat(given).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UserError(await whyNoClasses(given));
  const parent = await parentOfClasses(given);
  if (parent !== undefined)
    throw new UserError(
      `${given} holds the pictures of one class; give the folder of all classes: ${commandFor(command, resolve(parent))}.`,
    );
  return { ...flags, rawData: given };
}
