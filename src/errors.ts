/**
 * A failure that the user can fix: one line, with the file and what to do. Exit code 1.
 * @example
 * ```ts
 * import { findCheckpoint, UserError } from 'bat-sup';
 *
 * await findCheckpoint('nowhere').catch((error) => {
 *   if (!(error instanceof UserError)) throw error;
 *   console.log(error.message); // nowhere holds no checkpoint; ...
 * });
 * ```
 */
export class UserError extends Error {
  readonly exitCode: number = 1;
}

/**
 * The command was called wrongly: a wrong flag or setting. Exit code 2.
 * @example
 * ```ts
 * import { readSettings, UsageError } from 'bat-sup';
 *
 * await readSettings({ epochs: 'ten' }).catch((error) => {
 *   if (!(error instanceof UsageError)) throw error;
 *   console.log(error.message); // epochs must be a whole number of at least 1; received "ten" ...
 * });
 * ```
 */
export class UsageError extends UserError {
  override readonly exitCode = 2;
}

/** What went wrong, in words, whatever was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Throws the error of a file that cannot be written.
 * @param next what to do after fixing that, e.g. ', then --resume'.
 * @throws {UserError} always.
 */
export function cannotWrite(file: string, error: unknown, next = ''): never {
  throw new UserError(
    `${file} cannot be written (${reason(error)}); free disk space or check the folder's permissions${next}.`,
  );
}
