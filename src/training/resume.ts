import type { Checkpoint } from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { UserError } from '../errors.ts';
import { settingText } from '../format.ts';
import type { ModelDescription } from '../models/model.ts';
import { readRecord } from '../runs/record.ts';

function classesThatDiffer(saved: string[], wanted: string[]): string {
  const gone = saved.filter((name) => !wanted.includes(name));
  const added = wanted.filter((name) => !saved.includes(name));
  const parts = [
    ...(gone.length > 0 ? [`gone: ${gone.join(', ')}`] : []),
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
  ];
  return `classes differ (${parts.join('; ') || 'in their order'})`;
}

/** The layers of an imported network, which no setting names. */
export function importedLayers(
  resume: Checkpoint | undefined,
): Pick<ModelDescription, 'architecture' | 'layers'> | undefined {
  const { architecture, layers } = resume?.manifest.model ?? {};
  return architecture === 'layers' && layers ? { architecture, layers } : undefined;
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
        : `${key} was ${saved[key]}, is ${wanted[key]}`,
    );
  if (differences.length === 0) return;
  throw new UserError(
    `${folder} cannot be resumed: ${differences.join('; ')}. Train anew without --resume, or put these back.`,
  );
}

/** Settings that what is learnt from here on depends on; what the network itself depends on is not let through. */
const ofLearning = [
  'epochs',
  'batchSize',
  'learningRate',
  'scaleLearningRate',
  'validationSplit',
  'seed',
  'fit',
  'augment',
  'augmentOperations',
  'augmentClasses',
  'precision',
] as const;

/** Of each setting that is another now, what it was and what it is. */
export type ChangedSettings = Record<string, { was: unknown; is: unknown }>;

function compare(before: Record<string, unknown>, now: Settings): ChangedSettings {
  const online = now.augment === 'online' || before.augment === 'online';
  const changed = ofLearning
    .filter((name) => online || !name.startsWith('augment'))
    .filter((name) => before[name] !== undefined)
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
    .map((name) => [name, { was: before[name], is: now[name] }]);
  return Object.fromEntries(changed);
}

/** Which settings are not those that the run was trained with so far, by its record or else by the checkpoint. */
export async function changedSettings(
  run: string,
  { manifest }: Checkpoint,
  now: Settings,
): Promise<ChangedSettings> {
  const record = await readRecord(run).catch(() => undefined);
  const { batchSize, learningRate, validationSplit, seed } = manifest.training;
  const known = { batchSize, learningRate, validationSplit, seed, fit: manifest.preprocessing.fit };
  return compare({ ...record?.sessions.at(-1)?.settings, ...known }, now);
}

/** 'learningRate was 0.001, is 0.0003; epochs was 3, is 5' */
export function describeChanges(changed: ChangedSettings): string {
  return Object.entries(changed)
    .map(([name, { was, is }]) => `${name} was ${settingText(was)}, is ${settingText(is)}`)
    .join('; ');
}
