import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { UsageError, UserError } from '../errors.ts';
import { whyNoClasses } from '../images/no_classes.ts';

/** Lets a command take the folder of raw pictures without its flag: `bat-sup train ~/photos`. */
export function rawDataArgument(command: Command): Command {
  return command.argument('[raw-data]', 'folder of the raw pictures, the same as --raw-data');
}

/**
 * The flags with the folder that was given as an argument among them.
 * @throws {UsageError} where two are given. @throws {UserError} where the one that was given is not there.
 */
export async function withRawData<Flags extends Record<string, unknown>>(
  folder: string | undefined,
  flags: Flags,
): Promise<Flags & { rawData?: unknown }> {
  if (folder !== undefined && flags.rawData !== undefined)
    throw new UsageError(`"${folder}" and --raw-data name the raw pictures; give one of them.`);
  const given = folder ?? flags.rawData;
  if (typeof given !== 'string') return flags;
  const isFolder = await stat(given).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UserError(await whyNoClasses(given));
  return { ...flags, rawData: given };
}
