import type { Command } from 'commander';
import { addExamples } from './examples.ts';

/** In place of commander's own, which answers to a word that is no command as if there were none. */
export function addHelp(program: Command): void {
  const command = program
    .helpCommand(false)
    .command('help')
    .description('explain a command, with examples')
    .argument('[command...]', 'its name, and its subcommand’s')
    .action((names: string[]) => help(program, names));
  addExamples(command, [
    ['bat-sup help train', 'what train does and takes'],
    ['bat-sup help checkpoints prune', 'the same of a subcommand'],
  ]);
}

async function help(command: Command, [name, ...names]: string[]): Promise<void> {
  if (name === undefined) return command.outputHelp();
  const found = command.commands.find((one) => one.name() === name);
  if (found) return help(found, names);
  if (command.parent) command.error(`error: unknown command '${name}'`, { exitCode: 2 });
  // Commander says that there is none, and which one may be meant.
  await command.parseAsync([name], { from: 'user' });
}
