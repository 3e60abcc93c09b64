import { basename, join } from 'node:path';
import {
  bestOf,
  type Checkpoint,
  compareMetrics,
  foldersIn,
  listCheckpoints,
  type Metrics,
} from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { isHeadOnly } from '../config/pretrained.ts';
import { reason, UserError } from '../errors.ts';
import { fittingOf } from '../models/preprocessing.ts';
import { bytesBelow } from '../system/files.ts';
import { isRunning } from '../system/processes.ts';
import { type EpochRecord, readHistory } from './history.ts';
import { type RunRecord, readRecord, type Session } from './record.ts';

/** interrupted: it was killed. unknown: it has checkpoints, but no record. */
export type RunState = Session['state'] | 'interrupted' | 'unknown';

/** A run as `bat-sup runs` lists it. */
export interface RunSummary {
  name: string;
  folder: string;
  state: RunState;
  /** When it started, ISO 8601; null without a record. */
  started: string | null;
  /** Complete epochs, and how many the settings ask for; null without a record. */
  epochs: number;
  epochsWanted: number | null;
  steps: number;
  /** Metrics of the epoch with the highest validation accuracy, and of the last one. */
  best: Metrics & { epoch: number | null };
  last: Metrics & { epoch: number | null };
  /** Total duration of its sessions; null without a record. */
  seconds: number | null;
  /** Size of its folder. */
  bytes: number;
  /** Description of the engine of its last session. */
  engine: string | null;
  /** Its last session's, or else what its newest checkpoint stores. */
  settings: Record<string, unknown>;
}

/** The files of a run: its record, its epochs and its checkpoints. */
export interface RunFiles {
  folder: string;
  record: RunRecord | undefined;
  history: EpochRecord[];
  checkpoints: Checkpoint[];
}

/** Reads a run; undefined where the folder is not a run. @param notice called where its record is damaged. */
export async function readRun(
  folder: string,
  notice: (text: string) => void = () => {},
): Promise<RunFiles | undefined> {
  const record = await readRecord(folder).catch((error) => {
    notice(reason(error));
    return undefined;
  });
  const [history, checkpoints] = await Promise.all([readHistory(folder), listCheckpoints(folder)]);
  return record || checkpoints.length > 0 ? { folder, record, history, checkpoints } : undefined;
}

function stateOf(last: Session | undefined): RunState {
  if (!last) return 'unknown';
  return last.state === 'running' && !isRunning(last.process) ? 'interrupted' : last.state;
}

/** The settings that a checkpoint stores. */
function settingsOf({ manifest }: Checkpoint): Record<string, unknown> {
  const { model, preprocessing, training } = manifest;
  const { architecture, width, height, channels } = model;
  const { batchSize, learningRate, validationSplit, seed } = training;
  return {
    ...{ width, height, channels, ...fittingOf(preprocessing), architecture },
    ...{ batchSize, learningRate, validationSplit, seed },
  };
}

function metricsOf(metrics: Metrics): Metrics {
  const { loss, accuracy, validationLoss, validationAccuracy, validationMeanPrecision } = metrics;
  const known = Object.entries({
    ...{ loss, accuracy, validationLoss, validationAccuracy },
    ...(validationMeanPrecision !== undefined && { validationMeanPrecision }),
  });
  return Object.fromEntries(known.filter(([, value]) => value !== undefined));
}

/**
 * The epoch that the training calls its best; where no checkpoint says so, that with the highest validation accuracy, and
 * of equals the lowest validation loss.
 */
export function bestEpoch({
  history,
  checkpoints,
}: Pick<RunFiles, 'history' | 'checkpoints'>): EpochRecord | undefined {
  const validated = history.filter(({ validationAccuracy }) => validationAccuracy !== undefined);
  const best = checkpoints.at(-1)?.manifest.best?.epoch;
  return validated.findLast(({ epoch }) => epoch === best) ?? validated.sort(compareMetrics)[0];
}

function pickMetrics(epoch: EpochRecord | undefined, checkpoint: Checkpoint | undefined): RunSummary['best'] {
  if (epoch) return { epoch: epoch.epoch, ...metricsOf(epoch) };
  if (!checkpoint) return { epoch: null };
  const { position, metrics } = checkpoint.manifest;
  return { epoch: position.epoch, ...metricsOf(metrics) };
}

/** An interrupted session counts until its last epoch or checkpoint. */
function secondsOf({ record, history, checkpoints }: RunFiles, state: RunState): number | null {
  if (!record) return null;
  const lastSeen = [history.at(-1)?.time, checkpoints.at(-1)?.manifest.saved].map((time) =>
    time === undefined ? 0 : Date.parse(time),
  );
  return record.sessions.reduce((sum, { started, ended }, index) => {
    const isLast = index === record.sessions.length - 1;
    const end = ended
      ? Date.parse(ended)
      : isLast && state === 'running'
        ? Date.now()
        : Math.max(...lastSeen);
    return sum + Math.max(0, end - Date.parse(started)) / 1000;
  }, 0);
}

/** A head that is trained alone is done before the first epoch. */
function epochsWanted(settings: Settings): number {
  return isHeadOnly(settings) ? 0 : settings.epochs;
}

async function summarise(run: RunFiles): Promise<RunSummary> {
  const { folder, record, history, checkpoints } = run;
  const last = record?.sessions.at(-1);
  const state = stateOf(last);
  const newest = checkpoints.at(-1);
  const position = newest?.manifest.position;
  const epoch = history.at(-1);
  return {
    name: basename(folder),
    folder,
    state,
    started: record?.sessions[0]?.started ?? null,
    epochs: Math.max(last?.to?.epoch ?? 0, epoch?.epoch ?? 0, position?.epoch ?? 0),
    epochsWanted: last ? epochsWanted(last.settings) : null,
    steps: Math.max(last?.to?.step ?? 0, epoch?.step ?? 0, position?.step ?? 0),
    best: pickMetrics(bestEpoch(run), bestOf(checkpoints)),
    last: pickMetrics(epoch, newest),
    seconds: secondsOf(run, state),
    bytes: await bytesBelow(folder),
    engine: last?.engine?.description ?? null,
    settings: last ? { ...last.settings } : newest ? settingsOf(newest) : {},
  };
}

const byStart = (a: RunSummary, b: RunSummary) =>
  (a.started ?? '').localeCompare(b.started ?? '') || (a.name < b.name ? -1 : 1);

/**
 * Lists the runs in a checkpoints folder, the oldest first.
 * @param names of the runs to list; [] for all.
 * @param notice called for each run whose record is damaged.
 * @throws {UserError} where there are no runs, or none with one of the names.
 * @example
 * ```ts
 * import { listRuns } from 'bat-sup';
 *
 * for (const { name, state, epochs, best } of await listRuns('checkpoints'))
 *   console.log(name, state, epochs, best.validationAccuracy);
 * ```
 */
export async function listRuns(
  checkpoints: string,
  names: string[] = [],
  notice?: (text: string) => void,
): Promise<RunSummary[]> {
  const folders = await foldersIn(checkpoints);
  const wanted = names.length > 0 ? names.map((name) => basename(name)) : folders;
  const runs = await Promise.all(
    wanted.map(async (name) => {
      const run = folders.includes(name) ? await readRun(join(checkpoints, name), notice) : undefined;
      if (!run && names.length > 0)
        throw new UserError(`${checkpoints} holds no run "${name}"; "bat-sup runs" lists them.`);
      return run ? [await summarise(run)] : [];
    }),
  );
  if (runs.flat().length === 0) {
    throw new UserError(`${checkpoints} holds no runs; run "bat-sup train" first.`);
  }
  return runs.flat().sort(byStart);
}

/**
 * The settings that differ between runs.
 * @returns by name, the value of each run in order; undefined where a run does not have it.
 * @example
 * ```ts
 * import { differingSettings, listRuns } from 'bat-sup';
 *
 * const runs = await listRuns('checkpoints');
 * for (const [name, values] of Object.entries(differingSettings(runs))) console.log(name, values);
 * ```
 */
export function differingSettings(runs: RunSummary[]): Record<string, unknown[]> {
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))];
  const differing = names
    .map((name): [string, unknown[]] => [name, runs.map(({ settings }) => settings[name])])
    .filter(([, values]) => {
      const known = values.filter((value) => value !== undefined);
      return new Set(known.map((value) => JSON.stringify(value))).size > 1;
    });
  return Object.fromEntries(differing);
}
