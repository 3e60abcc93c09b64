import { Argument, type Command } from 'commander';
import type { CompletedCommand } from '../completion/commands.ts';
import { addExamples } from './examples.ts';

const writers: Record<string, () => Promise<(commands: CompletedCommand[]) => string>> = {
  bash: async () => (await import('../completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('../completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('../completion/fish.ts')).fishCompletion,
};

export function addCompletion(program: Command): void {
  const command = program
    .command('completion')
    .description('print a shell script that completes commands, options and values of bat-sup')
    .addArgument(new Argument('<shell>', 'the shell to print it for').choices(Object.keys(writers)))
    .action(async (shell: keyof typeof writers) => {
      const { completedCommands } = await import('../completion/commands.ts');
      const write = await (writers[shell] as (typeof writers)[string])();
      process.stdout.write(write(completedCommands(program)));
    });
  addExamples(command, [
    ['bat-sup completion bash > ~/.local/share/bash-completion/completions/bat-sup', 'for bash'],
    ['bat-sup completion zsh > ~/.zfunc/_bat-sup', 'for zsh, where ~/.zfunc is in $fpath'],
    ['bat-sup completion fish > ~/.config/fish/completions/bat-sup.fish', 'for fish'],
  ]);
}
