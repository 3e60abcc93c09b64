import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineNames } from '../../src/engine/index.ts';
import { pythonScript, pythonWith } from '../against/python.ts';
import { startConversation } from '../measure/conversation.ts';
import { type Contestant, compareSteps, type Row } from './steps.ts';
import { type TrainingTask, writeTask } from './task.ts';

/** What PyTorch and Keras have to offer: as it is, and compiled. */
export const rivals = {
  pytorch: ['pytorch', 'pytorch compile'],
  keras: ['keras', 'keras jit'],
};
export type Rival = keyof typeof rivals;

/** Paths of Pythons to use instead of those that are installed for this. */
export type Pythons = Partial<Record<Rival, string>>;

export interface Comparison {
  /** Of our engines and the `rivals`. */
  contestants: string[];
  rounds: number;
  /** Seconds that a contestant's steps take in each round; default 3. */
  secondsPerRound?: number;
  pythons?: Pythons;
}

function commandOf(name: string, taskFile: string, pythons: Pythons): string[] {
  const engine = fileURLToPath(new URL('engine.ts', import.meta.url));
  if ((engineNames as readonly string[]).includes(name))
    return [process.execPath, '--import', 'tsx', engine, taskFile, name];
  const [packages = '', ...mode] = name.split(' ');
  const python = pythonWith(packages as Rival, pythons[packages as Rival]);
  return pythonScript(python, `train_${packages}.py`, taskFile, ...mode);
}

async function start(name: string, batch: number, command: string[]): Promise<Contestant | undefined> {
  const conversation = await startConversation<Contestant['description'] & { failed?: string }, never>(
    command,
  );
  const { failed } = conversation.description;
  if (failed) console.error(`${name}: ${failed}`);
  return failed ? undefined : { name, batch, ...conversation };
}

/**
 * Lets the contestants take training steps in turns, each in a process of its own.
 * @throws {Error} where the losses of the first steps differ.
 */
export async function compareTraining(task: TrainingTask, comparison: Comparison): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bat-sup-bench-'));
  const started: Contestant[] = [];
  try {
    const file = writeTask(folder, task);
    for (const name of comparison.contestants) {
      const one = await start(name, task.batch, commandOf(name, file, comparison.pythons ?? {}));
      if (one) started.push(one);
    }
    return await compareSteps(started, { ...comparison, precision: task.precision });
  } finally {
    for (const one of started) one.stop();
    await rm(folder, { recursive: true });
  }
}
