import { Command, CommanderError, type HelpConfiguration, type OutputConfiguration } from 'commander';
import { speaksForAll } from '../cluster/launcher.ts';
import { findInstallation } from '../engine/native/installation.ts';
import { whyNoTensorFlow } from '../engine/native/supported.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { batSup, withCommandsAsTyped } from '../system/command.ts';
import { packageVersion } from '../system/version.ts';
import { didYouMean } from '../text/did_you_mean.ts';
import { printable } from '../text/printable.ts';

type Add = (program: Command) => void;

/** Commands by purpose, in the order of use. Each is loaded only when it is needed. */
const groups: Record<string, Record<string, () => Promise<Add>>> = {
  'Pictures:': {
    init: async () => (await import('./init.ts')).addInit,
    collect: async () => (await import('./collect.ts')).addCollect,
    check: async () => (await import('./check.ts')).addCheck,
    suggest: async () => (await import('./suggest.ts')).addSuggest,
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
  'Using a network:': {
    predict: async () => (await import('./predict.ts')).addPredict,
    similar: async () => (await import('./similar.ts')).addSimilar,
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

/** These need all commands to be loaded. */
const describingAll = ['completion', 'help'];

/** Suggests a known option by meaning, too (--lr); commander compares spellings alone. */
function unknownOption(command: Command, option: string): string {
  const known = command.createHelp().visibleOptions(command);
  return `unknown option ${option}${didYouMean(
    option,
    known.flatMap(({ long }) => long ?? []),
  )}`;
}

/** Prints wrong usage on one line, as all errors. @param path of the command: '', 'checkpoints list '. */
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

const helpFormat: HelpConfiguration = {
  optionDescription({ description, argChoices, defaultValue, defaultValueDescription, required }) {
    const value = defaultValueDescription ?? defaultValue;
    const notes = [
      ...(argChoices ? [`one of ${argChoices.join(', ')}`] : []),
      ...(required && value !== undefined ? [`default: ${value}`] : []),
    ];
    return notes.length > 0 ? `${description} (${notes.join('; ')})` : description;
  },
};

function configure(command: Command, parent = ''): void {
  command.exitOverride().configureOutput(oneLine(command, `${parent}${command.name()} `));
  command.option('--verbose', 'print stack traces and the messages of libraries');
}

/** The version alone on the first line, then the engine that would be used, without starting it. */
function versionText(): string {
  const native = findInstallation();
  const engine = native
    ? `TensorFlow ${native.tensorflow} for ${native.device === 'cuda' ? 'CUDA' : 'the CPU'}`
    : `embedded, WebAssembly${whyNoTensorFlow() ? '' : `; "${batSup('setup')}" installs TensorFlow`}`;
  return [packageVersion(), `engine   ${engine}`, `Node.js  ${process.versions.node}`].join('\n');
}

/**
 * The command line.
 * @param named the command to run, if the arguments name one; no other is loaded then.
 */
export async function createProgram(named?: string): Promise<Command> {
  const program = new Command('bat-sup')
    .description('Train your own picture classifier on folders of pictures: rawdata/<class>/*')
    .option('-V, --version', 'print the version and the engine')
    .on('option:version', () => {
      console.log(versionText());
      throw new CommanderError(0, 'commander.version', '');
    })
    .option('--verbose', 'print stack traces and the messages of libraries')
    .helpOption('-h, --help', 'print this help')
    .configureHelp(helpFormat)
    .exitOverride();
  program.configureOutput(oneLine(program, ''));
  const all = Object.values(groups).flatMap(Object.keys);
  const isAlone = named !== undefined && all.includes(named) && !describingAll.includes(named);
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
  // A reader such as head may close the pipe early.
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
