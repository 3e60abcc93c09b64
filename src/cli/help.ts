import type { Command } from 'commander';
import { addExamples } from './examples.ts';

/** Replaces commander's own, which prints the general help for an unknown command. */
export function addHelp(program: Command): void {
  const command = program
    .helpCommand(false)
    .command('help')
    .description('print the help of a command, with examples')
    .argument('[command...]', 'name of a command, and of a subcommand')
    .action((names: string[]) => help(program, names));
  addExamples(command, [
    ['bat-sup help train', 'the help of train'],
    ['bat-sup help checkpoints prune', 'the help of a subcommand'],
  ]);
}

async function help(command: Command, [name, ...names]: string[]): Promise<void> {
  if (name === undefined) return command.outputHelp();
  const found = command.commands.find((one) => one.name() === name);
  if (found) return help(found, names);
  if (command.parent) command.error(`error: unknown command '${name}'`, { exitCode: 2 });
  // Commander prints that it is unknown, and suggests a similar one.
  await command.parseAsync([name], { from: 'user' });
}
