import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { speaksForAll } from '../cluster/launcher.ts';
import { findInstallation } from '../engine/native/installation.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { printable } from '../printable.ts';
import { packageVersion } from '../version.ts';
import { addAugment } from './augment.ts';
import { addCheck } from './check.ts';
import { addCheckpoints } from './checkpoints.ts';
import { addCollect } from './collect.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import { addDoctor } from './doctor.ts';
import { addEvaluate } from './evaluate.ts';
import { addExplain } from './explain.ts';
import { addExport } from './export.ts';
import { addHelp } from './help.ts';
import { addImport } from './import.ts';
import { addInit } from './init.ts';
import { addLrFind } from './lr_find.ts';
import { addPredict } from './predict.ts';
import { addReport } from './report.ts';
import { addResize } from './resize.ts';
import { addRuns } from './runs.ts';
import { addServe } from './serve.ts';
import { addSetup } from './setup.ts';
import { addTrain } from './train.ts';

/** Wrong usage in the one line that every error takes. */
function oneLine(help: string): OutputConfiguration {
  return {
    outputError(text, write) {
      if (!speaksForAll()) return;
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

/** The version alone on the first line, then what would compute, without starting it. */
function versionText(): string {
  const native = findInstallation();
  const engine = native
    ? `TensorFlow ${native.tensorflow} for ${native.device === 'cuda' ? 'CUDA' : 'the CPU'}`
    : 'embedded, WebAssembly; "bat-sup setup" installs TensorFlow';
  return [packageVersion(), `engine   ${engine}`, `Node.js  ${process.versions.node}`].join('\n');
}

/** Commands by what they are for, in the order of the work. */
const groups: [heading: string, adders: ((program: Command) => void)[]][] = [
  ['Pictures:', [addInit, addCollect, addCheck, addAugment, addResize]],
  ['Training:', [addTrain, addLrFind, addRuns, addCheckpoints, addReport]],
  ['Asking:', [addPredict, addExplain, addEvaluate, addServe]],
  ['Other programs:', [addExport, addImport]],
  ['This machine:', [addSetup, addDoctor, addConfig, addCompletion, addHelp]],
];

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('bat-sup')
    .description('Train your own picture classifier: rawdata/<class>/ in, answers out.')
    .option('-V, --version', 'print the version, and what training would run on')
    .on('option:version', () => {
      console.log(versionText());
      throw new CommanderError(0, 'commander.version', '');
    })
    .option('--verbose', 'print stack traces and the libraries’ own messages')
    .configureOutput(oneLine('bat-sup --help'))
    .exitOverride();
  for (const [heading, adders] of groups) {
    program.commandsGroup(heading);
    for (const add of adders) add(program);
  }
  for (const command of program.commands) {
    configure(command, 'bat-sup');
    for (const subcommand of command.commands) configure(subcommand, `bat-sup ${command.name()}`);
  }
  return program;
}

function report(error: unknown, verbose: boolean): void {
  if (error instanceof UsageError && !speaksForAll()) return;
  const stack = error instanceof Error ? error.stack : undefined;
  console.error(verbose && stack ? stack : `bat-sup: ${printable(reason(error).split('\n')[0] as string)}`);
}

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(argv: string[]): Promise<number> {
  // Whoever reads our output may have seen enough, as head does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await createProgram().parseAsync(argv);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    report(error, argv.includes('--verbose'));
    return error instanceof UserError ? error.exitCode : 1;
  }
}
