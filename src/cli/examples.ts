import type { Command } from 'commander';

/** Ends a command's help with command lines to learn from, each with what it does. */
export function addExamples(command: Command, examples: [line: string, meaning: string][]): void {
  const lines = examples.map(([line, meaning]) => `  $ ${line}\n      ${meaning}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
