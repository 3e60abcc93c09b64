import { dirname } from 'node:path';
import {
  type Checkpoint,
  findCheckpoint,
  findIntact,
  hasSaved,
  newestRun,
  readUnknown,
} from '../checkpoints/index.ts';
import {
  flagsFor,
  flagsGiven,
  machineSettings,
  type RunSettings,
  type Settings,
  type SettingsInForce,
  settingNames,
  settingsInForce,
  valuesOf,
} from '../config/index.ts';
import { UsageError } from '../errors.ts';
import { readRecord } from '../runs/record.ts';
import { runFolder } from '../runs/run_folder.ts';
import { keepFolderApart, keepFoldersApart } from '../system/keep_apart.ts';
import { settingText } from '../text/format.ts';
import { quoteForShell } from '../text/quote.ts';
import type { NamedStart } from './read_start.ts';
import { checkResumable, isOver, refuseCheckpoints, settingsOfRun } from './resume.ts';
import { type SettleOptions, settleStart } from './settle_start.ts';

export interface TrainRequest {
  /** As commander parsed them: { epochs: '8', ... }. */
  flags: Record<string, unknown>;
  /** Name of the run; undefined: the next free name, or the newest run where one is resumed. */
  run?: string | undefined;
  /** 'always' needs a checkpoint to continue from; 'auto' starts a new run where there is none. */
  resume?: 'always' | 'auto' | undefined;
  /** Processes that train together. */
  ranks: number;
  /** How a file that `--from` names is read, and the flags that say so. */
  hints?: SettleOptions['hints'];
  hintFlags?: string[];
  assumed?: SettleOptions['assumed'];
}

/** What is to be trained, decided before anything is written. */
export interface TrainPlan {
  settings: Settings;
  /** The run's folder. */
  run: string;
  /** The checkpoint to continue from. */
  resume?: Checkpoint | undefined;
  /** Flags that other commands need to find this training. */
  findFlags: string[];
  /** Flags that `train --resume` needs to continue it. */
  resumeFlags: string[];
  /** Flags that a new training needs for the same pictures and settings. */
  repeatFlags: string[];
  /** Whether the run has finished already. */
  isDone: boolean;
  /** The trained network that a new run starts from. */
  start?: NamedStart | undefined;
}

/**
 * Decides what to train, and refuses what cannot be trained. Its result is the same on all ranks.
 * @param notice called with what differs from what the user may expect.
 * @throws {UsageError} for a wrong setting or name. @throws {UserError} where there is nothing to resume, the network or
 * the pictures are not the checkpoint's, or the run already has checkpoints.
 */
export async function planTraining(
  request: TrainRequest,
  notice: (text: string) => void,
): Promise<TrainPlan> {
  const { flags, run: name } = request;
  const before = await settingsInForce(flags);
  const checkpoints = String(before.checkpoints.value);
  const resume = await checkpointToResume(request, checkpoints, notice);
  const findFlags = flagsGiven(before, ['checkpoints']);
  const resumeFlags = [
    ...(name === undefined ? [] : [`--run ${quoteForShell(name)}`]),
    ...flagsGiven(before, machineSettings),
  ];
  if (resume) {
    const resumed = await planToResume(request, before, resume, notice);
    return { ...resumed, findFlags, resumeFlags, repeatFlags: flagsFor(resumed.settings) };
  }

  const run = await runFolder(checkpoints, name);
  await keepRunApart(valuesOf(before), run);
  await refuseCheckpoints(run);
  const { hints, assumed, hintFlags = [] } = request;
  const { inForce, start } = await settleStart(flags, { hints, assumed, notice });
  const settings = valuesOf(inForce);
  const repeatFlags = [...flagsGiven(inForce, settingNames), ...hintFlags];
  return { settings, run, findFlags, resumeFlags, repeatFlags, isDone: false, start };
}

/** The checkpoint to continue from; undefined for a new run. */
async function checkpointToResume(
  { resume, run }: TrainRequest,
  checkpoints: string,
  notice: (text: string) => void,
): Promise<Checkpoint | undefined> {
  if (resume === undefined) return undefined;
  const folder = run === undefined ? checkpoints : await runFolder(checkpoints, run);
  if (resume === 'auto' && !(await hasSaved(folder))) {
    notice(`${folder} holds no checkpoint yet; starting a new run.`);
    return undefined;
  }
  const found = run === undefined ? await newestRun(folder, notice) : folder;
  return findIntact(found, 'newest', ['weights.bin', 'optimizer.bin'], notice);
}

async function planToResume(
  { flags, ranks, hints = {}, resume: how }: TrainRequest,
  before: SettingsInForce,
  resume: Checkpoint,
  notice: (text: string) => void,
): Promise<Pick<TrainPlan, 'settings' | 'run' | 'resume' | 'isDone'>> {
  const run = dirname(resume.folder);
  if (how === 'always' && Object.keys(hints).length > 0)
    throw new UsageError(
      `${run} has read its network already; leave out the flags that say how a file is read.`,
    );
  const resumed = { run, settings: await settingsOfRun(resume, ranks) };
  const inForce = await settingsInForce(flags, { resumed });
  const settings = valuesOf(inForce);
  await keepRunApart(settings, run);
  await checkResumable(resume, settings, flags);
  const record = await readRecord(run);
  checkSameStart(resumed, settings);
  const kept = keptSettings(resumed, before, inForce);
  if (kept.length > 0) notice(`Kept from ${run} (only flags change them): ${kept.join('; ')}`);
  if (!record)
    notice(
      `${run} has no run.json: settings that its checkpoint does not store, such as epochs, are those of a new run.`,
    );
  // A run that was killed at its very end has yet to be marked as finished.
  const isMarked = record?.sessions.at(-1)?.state === 'finished' && isOver(resume.manifest, settings);
  const isDone = isMarked && !(await lacksUnknown(run, settings));
  return { settings, run, resume, isDone };
}

/** Whether the run's best checkpoint is yet to get what rejects pictures of no class. */
async function lacksUnknown(run: string, { unknown }: Settings): Promise<boolean> {
  if (unknown === 0) return false;
  const stored = await readUnknown(await findCheckpoint(run, 'best')).catch(() => undefined);
  return stored?.share !== unknown;
}

/** @throws {UsageError} where a flag names another network to start from than the run has started from. */
function checkSameStart({ run, settings: { from = 'off' } }: RunSettings, settings: Settings): void {
  if (settings.from === from) return;
  throw new UsageError(
    `${run} started from ${from === 'off' ? 'no given network' : from}; leave out --from, or train a new run without --resume.`,
  );
}

async function keepRunApart(settings: Settings, run: string): Promise<void> {
  await keepFoldersApart(settings);
  await keepFolderApart(settings.rawData, { option: '--run', path: run });
}

/** Settings of a resumed run that config.ts or the environment would change: whoever edited them expects to know. */
function keptSettings(
  { run, settings }: RunSettings,
  before: SettingsInForce,
  now: SettingsInForce,
): string[] {
  return settingNames
    .filter((name) => now[name].from === run && /^(config|BATSUP_)/.test(before[name].from))
    .filter((name) => settingText(before[name].value) !== settingText(now[name].value))
    .map((name) => {
      const { value, from } = before[name];
      return `${name} ${settingText(settings[name])} (${from}: ${settingText(value)})`;
    });
}
