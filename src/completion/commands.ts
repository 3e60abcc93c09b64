import type { Argument, Command, Option } from 'commander';

/** The values of an option or argument: some words, a file, or values that cannot be completed. */
export type Value = readonly string[] | 'file' | 'unknown';

/** A command or subcommand, as far as completion needs it. */
export interface CompletedCommand {
  /** As it is typed: 'bat-sup checkpoints list'. */
  path: string;
  subcommands: { name: string; description: string }[];
  options: {
    flag: string;
    description: string;
    /** undefined: it takes none. */
    value: Value | undefined;
  }[];
  /** The values of its arguments. */
  value: Value;
}

/** Placeholders that stand for files and folders. */
const filePlaceholder = /folder|file|path|png|pictures|place|before|after|run\b/;

function valueFor({ argChoices }: Option | Argument, placeholder: string): Value {
  return argChoices ?? (filePlaceholder.test(placeholder) ? 'file' : 'unknown');
}

function completedOption(option: Option): CompletedCommand['options'][number] {
  const { long, flags, description } = option;
  const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1] ?? '';
  // Where the value is optional, another flag may follow.
  const value = option.required ? valueFor(option, placeholder) : undefined;
  return { flag: long ?? flags, description: description.replaceAll('\n', '; '), value };
}

/** A command and all its subcommands. @param above the words before its name. */
export function completedCommands(command: Command, above = ''): CompletedCommand[] {
  const path = `${above}${command.name()}`;
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const [argument] = command.registeredArguments;
  return [
    {
      path,
      subcommands: subcommands.map((one) => ({ name: one.name(), description: one.description() })),
      options: help.visibleOptions(command).map(completedOption),
      value: argument ? valueFor(argument, argument.name()) : 'unknown',
    },
    ...subcommands.flatMap((one) => completedCommands(one, `${path} `)),
  ].map((one) =>
    // Its argument is a command.
    one.path === 'bat-sup help' ? { ...one, value: command.commands.map((other) => other.name()) } : one,
  );
}
