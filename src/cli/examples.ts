import type { Command } from 'commander';

/** Adds example command lines, each with what it does, to the end of a command's help. */
export function addExamples(command: Command, examples: [line: string, meaning: string][]): void {
  const lines = examples.map(([line, meaning]) => `  $ ${line}\n      ${meaning}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
