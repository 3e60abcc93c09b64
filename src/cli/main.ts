import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { speaksForAll } from '../cluster/launcher.ts';
import { findInstallation } from '../engine/native/installation.ts';
import { whyNoTensorFlow } from '../engine/native/supported.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { batSup, withCommandsAsTyped } from '../system/command.ts';
import { packageVersion } from '../system/version.ts';
import { didYouMean } from '../text/did_you_mean.ts';
import { printable } from '../text/printable.ts';

type Add = (program: Command) => void;

/** Commands by what they are for, in the order of the work. Each is loaded when it is asked for. */
const groups: Record<string, Record<string, () => Promise<Add>>> = {
  'Pictures:': {
    init: async () => (await import('./init.ts')).addInit,
    collect: async () => (await import('./collect.ts')).addCollect,
    check: async () => (await import('./check.ts')).addCheck,
    augment: async () => (await import('./augment.ts')).addAugment,
    resize: async () => (await import('./resize.ts')).addResize,
  },
  'Training:': {
    train: async () => (await import('./train.ts')).addTrain,
    'lr-find': async () => (await import('./lr_find.ts')).addLrFind,
    runs: async () => (await import('./runs.ts')).addRuns,
    checkpoints: async () => (await import('./checkpoints.ts')).addCheckpoints,
    report: async () => (await import('./report.ts')).addReport,
  },
  'Asking:': {
    predict: async () => (await import('./predict.ts')).addPredict,
    explain: async () => (await import('./explain.ts')).addExplain,
    evaluate: async () => (await import('./evaluate.ts')).addEvaluate,
    serve: async () => (await import('./serve.ts')).addServe,
  },
  'Other programs:': {
    export: async () => (await import('./export.ts')).addExport,
    import: async () => (await import('./import.ts')).addImport,
  },
  'This machine:': {
    setup: async () => (await import('./setup.ts')).addSetup,
    doctor: async () => (await import('./doctor.ts')).addDoctor,
    config: async () => (await import('./config.ts')).addConfig,
    completion: async () => (await import('./completion.ts')).addCompletion,
    help: async () => (await import('./help.ts')).addHelp,
  },
};

/** These tell of all commands. */
const tellingOfAll = ['completion', 'help'];

/** What is meant by an option that a command does not have; commander compares spellings alone. */
function unknownOption(command: Command, option: string): string {
  const known = command.createHelp().visibleOptions(command);
  return `unknown option ${option}${didYouMean(
    option,
    known.flatMap(({ long }) => long ?? []),
  )}`;
}

/** Wrong usage in the one line that every error takes. @param path of the command: '', 'checkpoints list '. */
function oneLine(command: Command, path: string): OutputConfiguration {
  return {
    outputError(text, write) {
      if (!speaksForAll()) return;
      const [, option] = /^error: unknown option '([^'=]+)/.exec(text) ?? [];
      const message = option === undefined ? text.replace(/^error: /, '') : unknownOption(command, option);
      const line = message.trim().replace(/\s*\n\s*\(Did you mean (.*?)\?\)/, '; did you mean $1?');
      const sentence = line.replace(/\s*\n\s*/g, ' ');
      const see = sentence.endsWith('?') ? ' See' : '; see';
      write(`bat-sup: ${sentence.replace(/\.$/, '')}${see} ${batSup(`${path}--help`)}\n`);
    },
  };
}

function configure(command: Command, parent = ''): void {
  command.exitOverride().configureOutput(oneLine(command, `${parent}${command.name()} `));
  command.option('--verbose', 'print stack traces and the libraries’ own messages');
}

/** The version alone on the first line, then what would compute, without starting it. */
function versionText(): string {
  const native = findInstallation();
  const engine = native
    ? `TensorFlow ${native.tensorflow} for ${native.device === 'cuda' ? 'CUDA' : 'the CPU'}`
    : `embedded, WebAssembly${whyNoTensorFlow() ? '' : `; "${batSup('setup')}" installs TensorFlow`}`;
  return [packageVersion(), `engine   ${engine}`, `Node.js  ${process.versions.node}`].join('\n');
}

/**
 * The command line.
 * @param named the command that the arguments name, if any: no other is loaded then.
 */
export async function createProgram(named?: string): Promise<Command> {
  const program = new Command('bat-sup')
    .description('Train your own picture classifier: rawdata/<class>/ in, answers out.')
    .option('-V, --version', 'print the version, and what training would run on')
    .on('option:version', () => {
      console.log(versionText());
      throw new CommanderError(0, 'commander.version', '');
    })
    .option('--verbose', 'print stack traces and the libraries’ own messages')
    .exitOverride();
  program.configureOutput(oneLine(program, ''));
  const all = Object.values(groups).flatMap(Object.keys);
  const isAlone = named !== undefined && all.includes(named) && !tellingOfAll.includes(named);
  for (const [heading, commands] of Object.entries(groups)) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(commands))
      if (!isAlone || name === named) (await load())(program);
  }
  for (const command of program.commands) {
    configure(command);
    for (const subcommand of command.commands) configure(subcommand, `${command.name()} `);
  }
  return program;
}

function report(error: unknown, verbose: boolean): void {
  if (error instanceof UsageError && !speaksForAll()) return;
  const stack = error instanceof Error ? error.stack : undefined;
  const message = withCommandsAsTyped(reason(error).split('\n')[0] as string);
  console.error(verbose && stack ? stack : `bat-sup: ${printable(message)}`);
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
