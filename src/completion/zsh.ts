import { quote } from '../text/quote.ts';
import type { CompletedCommand, Value } from './commands.ts';
import { valueCases } from './value_cases.ts';

function complete(value: Value): string {
  if (value === 'file') return '_files';
  return value === 'unknown' ? 'return 1' : `compadd -- ${value.map(quote).join(' ')}`;
}

/** Code that completes words and shows their descriptions. */
function describe(words: [word: string, meaning: string][]): string {
  const lines = words.map(([word, meaning]) => quote(`${word.replaceAll(':', '\\:')}:${meaning}`));
  return `lines=(${lines.join(' ')}); _describe bat-sup lines`;
}

function casesOf(command: CompletedCommand): string[] {
  const { path, options, subcommands, value } = command;
  const flags = describe(options.map(({ flag, description }) => [flag, description]));
  const rest =
    subcommands.length > 0 && !Array.isArray(value)
      ? describe(subcommands.map(({ name, description }) => [name, description]))
      : complete(value);
  return [
    ...valueCases(command, complete),
    `    ${quote(path)}' '*) if [[ $words[CURRENT] == -* ]]; then ${flags}; else ${rest}; fi ;;`,
  ];
}

/** A completion script for zsh (zsh's manual, chapter 20, Completion System). */
export function zshCompletion(commands: CompletedCommand[]): string {
  const paths = commands.slice(1).map(({ path }) => quote(path));
  return `#compdef bat-sup
# bat-sup's completion for zsh: source <(bat-sup completion zsh), after compinit; or a file _bat-sup in a folder of $fpath.
_bat_sup() {
  local where=bat-sup at
  local -a lines
  for ((at = 2; at < CURRENT; at++)); do
    case "$where $words[at]" in
    ${paths.join(' | \\\n      ')}) where="$where $words[at]" ;;
    esac
  done
  case "$where $words[CURRENT-1]" in
${[...commands].reverse().flatMap(casesOf).join('\n')}
  esac
}
if [[ $funcstack[1] == _bat_sup || $funcstack[1] == _bat-sup ]]; then _bat_sup "$@"; else compdef _bat_sup bat-sup; fi
`;
}
