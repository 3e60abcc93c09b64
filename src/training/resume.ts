import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Checkpoint,
  type CheckpointInfo,
  listCheckpoints,
  type Position,
} from '../checkpoints/index.ts';
import {
  type Config,
  defaults,
  machineSettings,
  type SettingName,
  type Settings,
  settingNames,
} from '../config/index.ts';
import { UserError } from '../errors.ts';
import { findClasses, findFiles } from '../images/find.ts';
import { copyNameOf } from '../images/generated.ts';
import { ResizeLedger } from '../images/resize_ledger.ts';
import { architectureNames, resolveArchitecture } from '../models/index.ts';
import type { ModelDescription } from '../models/model.ts';
import { type RunRecord, readRecord } from '../runs/record.ts';
import { settingText } from '../text/format.ts';
import { printable } from '../text/printable.ts';

/** Settings, with the batch of all ranks together and how many these are, where that is known. */
type Trained = Config & { ranks?: number };

/**
 * What a run was trained with so far: its last session's settings, and what its checkpoint says where the record does
 * not know it, or there is none (imported networks, older versions).
 */
function trainedWith(checkpoint: Checkpoint, record: RunRecord | undefined): Trained {
  const { width, height, channels, architecture } = checkpoint.manifest.model;
  const named = architectureNames.find((name) => name === architecture);
  const known = { ...knownOf(checkpoint), ...(named && { architecture: named }) };
  const size = { width, height, channels };
  const last = record?.sessions.at(-1);
  if (!last) return { ...known, ...size };
  const { settings, ranks = 1 } = last;
  return { ...defaults, ...known, ...settings, ...size, ranks, batchSize: ranks * settings.batchSize };
}

/**
 * The settings that a run continues with. Its batch is parted anew where there is another number of ranks, so that all
 * of them together take as many pictures per step as before.
 * @param ranks that will train it.
 * @throws {UserError} where its record is damaged: what it was trained with is not known then.
 */
export async function settingsOfRun(checkpoint: Checkpoint, ranks = 1): Promise<Config> {
  const record = await readRecord(dirname(checkpoint.folder));
  const { ranks: _, ...before } = trainedWith(checkpoint, record);
  if (before.batchSize !== undefined) before.batchSize = Math.max(1, Math.round(before.batchSize / ranks));
  return before;
}

/** What a checkpoint says of its training, the batch of all ranks together; an imported network has had none here. */
function knownOf({ manifest }: Checkpoint): Config {
  const { seed, batchSize, learningRate, validationSplit, dataset } = manifest.training;
  const { fit } = manifest.preprocessing;
  if (dataset === '') return { fit };
  return { fit, seed, batchSize, learningRate, validationSplit, ema: manifest.ema ?? 0 };
}

/**
 * A training from the start would mix its checkpoints with those of another one.
 * @throws {UserError} where the run has checkpoints.
 */
export async function refuseCheckpoints(run: string): Promise<void> {
  if ((await listCheckpoints(run)).length === 0) return;
  throw new UserError(
    `${run} holds the checkpoints of a training; continue it with --resume, or name another run with --run.`,
  );
}

/** Whether nothing is left to do: after the last epoch, or once so many epochs were no better than the best. */
export function isOver(
  { position, best }: { position: Position; best?: CheckpointInfo['best'] | undefined },
  { epochs, earlyStopping }: Pick<Settings, 'epochs' | 'earlyStopping'>,
): boolean {
  const patienceEnds = earlyStopping > 0 && best ? best.epoch + earlyStopping : epochs;
  return position.epoch >= Math.min(epochs, patienceEnds);
}

/**
 * The network that these settings and classes ask for; an imported one keeps its layers, which no setting names.
 */
export function describeNetwork(
  settings: Pick<Settings, 'architecture' | 'width' | 'height' | 'channels'>,
  classes: string[],
  resume: Checkpoint | undefined,
): ModelDescription {
  const { width, height, channels } = settings;
  const { architecture, layers } = resume?.manifest.model ?? {};
  const resolved = resolveArchitecture(settings.architecture, { width, height, classes: classes.length });
  const ofLayers = architecture === 'layers' && layers && { architecture, layers };
  return { architecture: resolved, width, height, channels, classes, ...ofLayers };
}

function classesThatDiffer(saved: string[], wanted: string[]): string {
  const gone = saved.filter((name) => !wanted.includes(name));
  const added = wanted.filter((name) => !saved.includes(name));
  const parts = [
    ...(gone.length > 0 ? [`gone: ${gone.join(', ')}`] : []),
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
  ];
  return `classes differ (${parts.join('; ') || 'in their order'})`;
}

/** @throws {UserError} listing what differs between the network to train and the checkpoint's. */
export function checkSameNetwork({ folder, manifest }: Checkpoint, wanted: ModelDescription): void {
  const saved = manifest.model;
  const keys = Object.keys(wanted) as (keyof ModelDescription)[];
  const differences = keys
    .filter((key) => JSON.stringify(saved[key]) !== JSON.stringify(wanted[key]))
    .map((key) =>
      key === 'classes'
        ? classesThatDiffer(saved.classes, wanted.classes)
        : `${key} ${saved[key]} -> ${wanted[key]}`,
    );
  if (differences.length === 0) return;
  throw new UserError(
    `${folder} cannot be resumed: ${differences.join('; ')}. Train a new run without --resume, or put these back.`,
  );
}

/** Whether there is a file that is not hidden, at any depth. */
async function holdsFiles(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const seen = entries.filter(({ name }) => !name.startsWith('.'));
  if (seen.some((entry) => !entry.isDirectory())) return true;
  for (const { name } of seen) if (await holdsFiles(join(folder, name))) return true;
  return false;
}

/**
 * The classes that training will find once data/ is as rawdata/ and these settings ask for it; [] where there are none
 * yet.
 */
async function classesToCome({ rawData, data }: Pick<Settings, 'rawData' | 'data'>): Promise<string[]> {
  const [raw, made] = [await findClasses(rawData), await findClasses(data)];
  if (raw.length === 0) return made;
  const classes: string[] = [];
  for (const name of raw) if (await holdsFiles(join(rawData, name))) classes.push(name);
  // Copies of sources that are gone will be removed, and their folder with them.
  const others = made.filter((name) => !classes.includes(name));
  if (others.length === 0) return classes;
  const ledger = await ResizeLedger.read(data, '');
  const copies = new Set([...ledger.entries()].map(([source]) => copyNameOf(source)));
  for (const name of others) {
    const files = await findFiles(join(data, name));
    if (files.some((file) => !copies.has(`${name}/${file}`))) classes.push(name);
  }
  return classes.sort();
}

/**
 * Refuses before anything is touched what train would refuse after resizing and decoding.
 * @throws {UserError} where size, channels, architecture or classes are not the checkpoint's, or its pictures are gone.
 */
export async function checkResumable(
  checkpoint: Checkpoint,
  settings: Settings,
  flags: Record<string, unknown> = {},
): Promise<void> {
  if (checkpoint.manifest.model.architecture === 'layers' && flags.architecture !== undefined)
    throw new UserError(
      `${checkpoint.folder} is an imported network with layers of its own; leave out --architecture.`,
    );
  const classes = await classesToCome(settings);
  const wanted = describeNetwork(
    settings,
    classes.length > 0 ? classes : checkpoint.manifest.model.classes,
    checkpoint,
  );
  checkSameNetwork(checkpoint, wanted);
  if (classes.length > 0) return;
  const { rawData, data } = settings;
  throw new UserError(
    `${checkpoint.folder} cannot be resumed: neither ${printable(rawData)} nor ${printable(data)} holds its pictures; ` +
      'name their folder with --raw-data.',
  );
}

/** Of each setting that is another now, what it was and what it is. */
export type ChangedSettings = Record<string, { was: unknown; is: unknown }>;

/**
 * Which settings are not those that the run was trained with so far.
 * @param now with the batch of all ranks together.
 */
export async function changedSettings(
  checkpoint: Checkpoint,
  now: Settings & { ranks: number },
): Promise<ChangedSettings> {
  const record = await readRecord(dirname(checkpoint.folder)).catch(() => undefined);
  const before = trainedWith(checkpoint, record);
  const online = now.augment === 'online' || before.augment === 'online';
  const isCompared = (name: SettingName) =>
    !machineSettings.includes(name) && name !== 'augmentTarget' && (online || !/^augment./.test(name));
  // Without it the number of ranks changes nothing but the order of some sums.
  const ranks = now.scaleLearningRate === 'off' ? [] : (['ranks'] as const);
  const changed = [...settingNames.filter(isCompared), ...ranks]
    .filter((name) => before[name] !== undefined)
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
    .map((name) => [name, { was: before[name], is: now[name] }]);
  return Object.fromEntries(changed);
}

/** 'epochs 3 -> 5; learningRate 0.001 -> 0.0003' */
export function describeChanges(changed: ChangedSettings): string {
  return Object.entries(changed)
    .map(([name, { was, is }]) => `${name} ${settingText(was)} -> ${settingText(is)}`)
    .join('; ');
}
