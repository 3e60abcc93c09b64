/** A failure that the user can fix: one line, with the file and what to do. Exit code 1. */
export class UserError extends Error {
  readonly exitCode: number = 1;
}

/** The command was called wrongly: a wrong flag or setting. Exit code 2. */
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
