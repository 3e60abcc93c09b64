import type { Argument, Command, Option } from 'commander';

/** What an option or argument may be given: some words, a file, or what nobody can guess. */
export type Value = readonly string[] | 'file' | 'unknown';

/** A command, or a subcommand of one, as completion sees it. */
export interface CompletedCommand {
  /** As it is typed: 'bat-sup checkpoints list'. */
  path: string;
  subcommands: { name: string; description: string }[];
  options: {
    flag: string;
    description: string;
    /** undefined: it needs none. */
    value: Value | undefined;
  }[];
  /** Of its arguments. */
  value: Value;
}

/** Placeholders that stand for files and folders. */
const ofFiles = /folder|file|path|png|pictures|place|before|after|run\b/;

function valueFor({ argChoices }: Option | Argument, placeholder: string): Value {
  return argChoices ?? (ofFiles.test(placeholder) ? 'file' : 'unknown');
}

function completedOption(option: Option): CompletedCommand['options'][number] {
  const { long, flags, description } = option;
  const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1] ?? '';
  // After one that may be left out another flag may come.
  const value = option.required ? valueFor(option, placeholder) : undefined;
  return { flag: long ?? flags, description, value };
}

/** A command and all below it, from what commander knows of them. */
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
    // What help explains.
    one.path === 'bat-sup help' ? { ...one, value: command.commands.map((other) => other.name()) } : one,
  );
}
