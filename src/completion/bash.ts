import { quote } from '../text/quote.ts';
import type { CompletedCommand, Value } from './commands.ts';
import { valueCases } from './value_cases.ts';

/** Sets the variable `words`; where it stays empty, readline completes files. */
function wordsFor(value: Value): string {
  if (value === 'file') return 'return';
  return value === 'unknown' ? 'compopt +o default; return' : `words=${quote(value.join(' '))}`;
}

function casesOf(command: CompletedCommand): string[] {
  const { path, options, subcommands, value } = command;
  const flags = options.map(({ flag }) => flag).join(' ');
  const others = Array.isArray(value) ? value : subcommands.map(({ name }) => name);
  const rest = others.length > 0 ? `words=${quote(others.join(' '))}` : wordsFor(value);
  return [
    ...valueCases(command, wordsFor),
    `    ${quote(path)}' '*) if [[ $current == -* ]]; then words=${quote(flags)}; else ${rest}; fi ;;`,
  ];
}

/** A completion script for bash 4 and newer (Bash Reference Manual, 8.6 Programmable Completion). */
export function bashCompletion(commands: CompletedCommand[]): string {
  const paths = commands.slice(1).map(({ path }) => quote(path));
  return `# bat-sup's completion for bash: source <(bat-sup completion bash)
_bat_sup() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path=bat-sup words='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$path \${COMP_WORDS[at]}" in
    ${paths.join(' | \\\n      ')}) path="$path \${COMP_WORDS[at]}" ;;
    esac
  done
  COMPREPLY=()
  case "$path $previous" in
${[...commands].reverse().flatMap(casesOf).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _bat_sup bat-sup
`;
}
