/** The run failed for a reason the user can mend: one line, with the file and what to do. Exit code 1. */
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
 * What is thrown where a training's own files cannot be written.
 * @param goOn what to do after that.
 * @throws {UserError} always.
 */
export function cannotWrite(file: string, error: unknown, goOn = ''): never {
  throw new UserError(`${file} cannot be written (${reason(error)}); free space or mend the folder${goOn}.`);
}
