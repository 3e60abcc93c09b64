import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { reason, UserError } from '../errors.ts';
import { printable } from '../printable.ts';
import { packageVersion } from '../version.ts';

type Add = (program: Command) => void;

/** Each is loaded when it is asked for, all of them for the help that lists them. */
const commands: Record<string, () => Promise<Add>> = {
  collect: async () => (await import('./collect.ts')).addCollect,
  check: async () => (await import('./check.ts')).addCheck,
  augment: async () => (await import('./augment.ts')).addAugment,
  resize: async () => (await import('./resize.ts')).addResize,
  train: async () => (await import('./train.ts')).addTrain,
  'lr-find': async () => (await import('./lr_find.ts')).addLrFind,
  predict: async () => (await import('./predict.ts')).addPredict,
  explain: async () => (await import('./explain.ts')).addExplain,
  evaluate: async () => (await import('./evaluate.ts')).addEvaluate,
  runs: async () => (await import('./runs.ts')).addRuns,
  checkpoints: async () => (await import('./checkpoints.ts')).addCheckpoints,
  report: async () => (await import('./report.ts')).addReport,
  export: async () => (await import('./export.ts')).addExport,
  import: async () => (await import('./import.ts')).addImport,
  setup: async () => (await import('./setup.ts')).addSetup,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  config: async () => (await import('./config.ts')).addConfig,
};

/** Wrong usage in the one line that every error takes. */
function oneLine(help: string): OutputConfiguration {
  return {
    outputError(text, write) {
      const message = text
        .replace(/^error: /, '')
        .trim()
        .replace(/\s*\n\s*/g, ' ');
      write(`bat-sup: ${message.replace(/\.$/, '')}; see ${help}\n`);
    },
  };
}

function configure(command: Command, parent: string): void {
  command.exitOverride().configureOutput(oneLine(`${parent} ${command.name()} --help`));
  command.option('--verbose', 'print stack traces and the libraries’ own messages');
}

/** @param named the command that the arguments name, if any. */
async function createProgram(named: string | undefined): Promise<Command> {
  const program = new Command('bat-sup')
    .description('Train your own picture classifier: rawdata/<class>/ in, answers out.')
    .version(packageVersion())
    .option('--verbose', 'print stack traces and the libraries’ own messages')
    .configureOutput(oneLine('bat-sup --help'))
    .exitOverride();
  const wanted = named !== undefined && Object.hasOwn(commands, named) ? [named] : Object.keys(commands);
  for (const name of wanted) (await (commands[name] as () => Promise<Add>)())(program);
  for (const command of program.commands) {
    configure(command, 'bat-sup');
    for (const subcommand of command.commands) configure(subcommand, `bat-sup ${command.name()}`);
  }
  return program;
}

function report(error: unknown, verbose: boolean): void {
  const stack = error instanceof Error ? error.stack : undefined;
  console.error(verbose && stack ? stack : `bat-sup: ${printable(reason(error).split('\n')[0] as string)}`);
}

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(argv: string[]): Promise<number> {
  // Whoever reads our output may have seen enough, as head does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    const named = argv.slice(2).find((argument) => !argument.startsWith('-'));
    await (await createProgram(named)).parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    report(error, argv.includes('--verbose'));
    return error instanceof UserError ? error.exitCode : 1;
  }
}
