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
import { backboneOf, isHeadOnly, type StartSettings } from '../config/pretrained.ts';
import { classesInLabels } from '../dataset/labels_file.ts';
import { UserError } from '../errors.ts';
import { findClasses, findFiles } from '../images/find.ts';
import { copyNameOf } from '../images/generated.ts';
import { ResizeLedger } from '../images/resize_ledger.ts';
import type { ModelDescription } from '../models/description.ts';
import { architectureNames, resolveArchitecture } from '../models/index.ts';
import { type RunRecord, readRecord } from '../runs/record.ts';
import { settingText } from '../text/format.ts';
import { printable } from '../text/printable.ts';

/** Settings whose batch size is that of all ranks together, and the number of ranks, if known. */
type Trained = Config & { ranks?: number };

/**
 * The settings that a run was trained with so far: those of its last session, and, for what the record does not have,
 * those that the checkpoint implies. Imported networks and runs of older versions have no record.
 */
function previousSettings(checkpoint: Checkpoint, record: RunRecord | undefined): Trained {
  const { width, height, channels, architecture } = checkpoint.manifest.model;
  const named = architectureNames.find((name) => name === architecture);
  const known = { ...settingsIn(checkpoint), ...(named && { architecture: named }) };
  const size = { width, height, channels };
  const last = record?.sessions.at(-1);
  if (!last) return { ...known, ...size };
  const { settings, ranks = 1 } = last;
  return { ...defaults, ...known, ...settings, ...size, ranks, batchSize: ranks * settings.batchSize };
}

/**
 * The settings that a run continues with. If the number of ranks has changed, the batch of each is resized, so that
 * together they take as many pictures per step as before.
 * @param ranks that will train it.
 * @throws {UserError} where the run's record is damaged, so that its settings are not known.
 */
export async function settingsOfRun(checkpoint: Checkpoint, ranks = 1): Promise<Config> {
  const record = await readRecord(dirname(checkpoint.folder));
  const { ranks: _, ...before } = previousSettings(checkpoint, record);
  if (before.batchSize !== undefined) before.batchSize = Math.max(1, Math.round(before.batchSize / ranks));
  return before;
}

/** The settings that a checkpoint itself stores. An imported network was not trained here: it has how pictures are fitted only. */
function settingsIn({ manifest }: Checkpoint): Config {
  const { seed, batchSize, learningRate, validationSplit, dataset } = manifest.training;
  const { fit, crop = defaults.crop, filter = defaults.filter } = manifest.preprocessing;
  const { isMultiLabel } = manifest.model;
  const fitting = { fit, crop, filter, ...(isMultiLabel && { multiLabel: 'on' as const }) };
  if (dataset === '') return fitting;
  return { ...fitting, seed, batchSize, learningRate, validationSplit, ema: manifest.ema ?? 0 };
}

/** @throws {UserError} where the run has checkpoints, with which those of a new training would mix. */
export async function refuseCheckpoints(run: string): Promise<void> {
  if ((await listCheckpoints(run)).length === 0) return;
  throw new UserError(
    `${run} holds the checkpoints of a training; continue it with --resume, or name another run with --run.`,
  );
}

/**
 * Whether training is complete: after the last epoch, or after `earlyStopping` epochs without improvement. A head that is
 * trained alone is there before the first epoch.
 */
export function isOver(
  { position, best }: { position: Position; best?: CheckpointInfo['best'] | undefined },
  settings: Pick<Settings, 'epochs' | 'earlyStopping'> & StartSettings,
): boolean {
  if (isHeadOnly(settings)) return true;
  const { epochs, earlyStopping } = settings;
  const patienceEnds = earlyStopping > 0 && best ? best.epoch + earlyStopping : epochs;
  return position.epoch >= Math.min(epochs, patienceEnds);
}

/** The architecture that the settings ask for. */
function wantedArchitecture(
  { architecture, pretrained, width, height }: NetworkSettings,
  classes: string[],
): ModelDescription['architecture'] {
  return (
    backboneOf(pretrained) ?? resolveArchitecture(architecture, { width, height, classes: classes.length })
  );
}

type NetworkSettings = Pick<Settings, 'architecture' | 'pretrained' | 'width' | 'height' | 'channels'> &
  Partial<Pick<Settings, 'multiLabel'>>;

/** The network that the settings and the classes ask for; a resumed one keeps its layers. */
export function describeNetwork(
  settings: NetworkSettings,
  classes: string[],
  resume: Checkpoint | undefined,
): ModelDescription {
  const { width, height, channels } = settings;
  const { architecture, layers } = resume?.manifest.model ?? {};
  const resolved = wantedArchitecture(settings, classes);
  const isOwn = architecture === 'layers' || architecture === resolved;
  const kept = isOwn && { architecture, ...(layers && { layers }) };
  const kind = settings.multiLabel === 'on' && { isMultiLabel: true as const };
  return { architecture: resolved, width, height, channels, classes, ...kind, ...kept };
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

/** @throws {UserError} listing the differences between the network to train and that of the checkpoint. */
export function checkSameNetwork({ folder, manifest }: Checkpoint, wanted: ModelDescription): void {
  const saved = manifest.model;
  if (saved.isMultiLabel !== wanted.isMultiLabel)
    throw new UserError(
      `${folder} was trained ${saved.isMultiLabel ? 'with' : 'without'} --multi-label and stays so; resume it ` +
        `${saved.isMultiLabel ? 'with' : 'without'} it, or train a new run without --resume.`,
    );
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
    `${folder} cannot be resumed: ${differences.join('; ')}. Train a new run without --resume, or undo these changes.`,
  );
}

/** Whether a folder has a file that is not hidden, at any depth. */
async function holdsFiles(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const seen = entries.filter(({ name }) => !name.startsWith('.'));
  if (seen.some((entry) => !entry.isDirectory())) return true;
  for (const { name } of seen) if (await holdsFiles(join(folder, name))) return true;
  return false;
}

/** The classes that data/ will have once it has been updated from rawdata/; [] where there are no pictures at all. */
export async function expectedClasses({
  rawData,
  data,
  labels = 'off',
}: Pick<Settings, 'rawData' | 'data'> & Partial<Pick<Settings, 'labels'>>): Promise<string[]> {
  if (labels !== 'off') return classesInLabels(labels);
  const [raw, made] = [await findClasses(rawData), await findClasses(data)];
  if (raw.length === 0) return made;
  const classes: string[] = [];
  for (const name of raw) if (await holdsFiles(join(rawData, name))) classes.push(name);
  // A folder stays only if it has pictures that were not resized from rawdata/: outdated copies are removed.
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
 * Checks, before any file is changed, what training would otherwise refuse only after resizing and decoding.
 * @throws {UserError} where size, channels, architecture or classes differ from the checkpoint's, or its pictures are
 * missing.
 */
export async function checkResumable(
  checkpoint: Checkpoint,
  settings: Settings,
  flags: Record<string, unknown> = {},
): Promise<void> {
  if (checkpoint.manifest.model.architecture === 'layers' && flags.architecture !== undefined)
    throw new UserError(
      `${checkpoint.folder} is an imported network with its own layers; leave out --architecture.`,
    );
  const classes = await expectedClasses(settings);
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

/** The settings that have changed, each with its old and its new value; run.json stores them like this. */
export type ChangedSettings = Record<string, { was: unknown; is: unknown }>;

/**
 * The settings that differ from those the run was trained with so far. Those that only concern the machine do not
 * count.
 * @param now with the batch size of all ranks together.
 */
export async function changedSettings(
  checkpoint: Checkpoint,
  now: Settings & { ranks: number },
): Promise<ChangedSettings> {
  const record = await readRecord(dirname(checkpoint.folder)).catch(() => undefined);
  const before = previousSettings(checkpoint, record);
  const online = now.augment === 'online' || before.augment === 'online';
  const isCompared = (name: SettingName) =>
    !machineSettings.includes(name) && name !== 'augmentTarget' && (online || !/^augment./.test(name));
  // Unless it scales the learning rate, the number of ranks only changes the order of some sums.
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
