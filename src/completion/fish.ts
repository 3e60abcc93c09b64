import type { CompletedCommand, Value } from './commands.ts';

/** Quotes a word for fish, where only backslash and quotation mark are special within quotation marks. */
const quote = (word: string) => `'${word.replace(/[\\']/g, '\\$&')}'`;

function flagsFor(value: Value): string {
  if (value === 'file') return '-r -F';
  return value === 'unknown' ? '-x' : `-x -a ${quote(value.join(' '))}`;
}

function linesOf({ path, options, subcommands, value }: CompletedCommand): string[] {
  const start = `complete -c bat-sup -n ${quote(`__bat_sup_at ${path}`)}`;
  const arguments_ = typeof value === 'object' ? [`${start} -f -a ${quote(value.join(' '))}`] : [];
  const files = value === 'file' ? [`${start} -F`] : [];
  return [
    ...subcommands.map(({ name, description }) => `${start} -f -a ${quote(name)} -d ${quote(description)}`),
    ...arguments_,
    ...files,
    ...options.map(
      ({ flag, description, value: taken }) =>
        `${start} -l ${flag.replace(/^--/, '')}${taken === undefined ? '' : ` ${flagsFor(taken)}`} -d ${quote(description)}`,
    ),
  ];
}

/** A completion script for fish (fish's manual, "Writing your own completions"). */
export function fishCompletion(commands: CompletedCommand[]): string {
  const paths = commands.slice(1).map(({ path }) => quote(path));
  return `# bat-sup's completion for fish: bat-sup completion fish > ~/.config/fish/completions/bat-sup.fish
function __bat_sup_at
    set -l path bat-sup
    for word in (commandline -opc)[2..]
        switch "$path $word"
            case ${paths.join(' ')}
                set path "$path $word"
        end
    end
    test "$path" = "$argv"
end
complete -c bat-sup -f
${commands.flatMap(linesOf).join('\n')}
`;
}
