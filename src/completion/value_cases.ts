import { quote } from '../text/quote.ts';
import type { CompletedCommand, Value } from './commands.ts';

/** Cases of bash and zsh for the values of a command's options. @param complete the code that completes a value. */
export function valueCases(
  { path, options }: CompletedCommand,
  complete: (value: Value) => string,
): string[] {
  return options.flatMap(({ flag, value }) =>
    value === undefined ? [] : [`    ${quote(`${path} ${flag}`)}) ${complete(value)} ;;`],
  );
}
