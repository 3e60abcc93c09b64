import { withCommandsAsTyped } from '../system/command.ts';
import { wrap } from '../text/format.ts';
import { printable } from '../text/printable.ts';

/**
 * Text to read in a terminal: commands as the user has to type them, and lines broken between words, but not in commands.
 * @param indent what each further line begins with.
 */
export function noticeText(message: string, indent = '  '): string {
  const unbroken = withCommandsAsTyped(message).replace(/"[^"\n]*bat-sup[^"\n]*"/g, (command) =>
    command.replaceAll(' ', '\0'),
  );
  const lines = unbroken.split('\n').map((line) => wrap(line, { indent }));
  return lines.join('\n').replaceAll('\0', ' ');
}

/** Prints a warning on stderr, on one line as errors are; the command continues. */
export function notice(message: string): void {
  console.error(`bat-sup: ${withCommandsAsTyped(message)}`);
}

/** Prints on stderr, on one line, what is wrong with one of many files. */
export function fileError(file: string, why: string): void {
  console.error(`bat-sup: ${printable(file)}: ${why}`);
}
