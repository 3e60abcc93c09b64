import { quote } from '../text/quote.ts';
import type { CompletedCommand, Value } from './commands.ts';

/** The cases of bash and zsh for the values of a command's options. @param complete what to do for a value. */
export function valueCases(
  { path, options }: CompletedCommand,
  complete: (value: Value) => string,
): string[] {
  return options.flatMap(({ flag, value }) =>
    value === undefined ? [] : [`    ${quote(`${path} ${flag}`)}) ${complete(value)} ;;`],
  );
}
