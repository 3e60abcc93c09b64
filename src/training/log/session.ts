import { readdir, rm } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { SettingName, Settings } from '../../config/index.ts';
import { type Dataset, labelsOf, type Picture } from '../../dataset/scan.ts';
import type { Split } from '../../dataset/split.ts';
import { usableCores } from '../../system/cores.ts';
import { packageVersion } from '../../system/version.ts';
import {
  type EventWriter,
  experimentSummary,
  type HparamValue,
  type Metric,
  markdownTable,
  openEventWriter,
  sessionStartSummary,
  textSummary,
} from '../../tensorboard/index.ts';
import { tf } from '../../tensors/tf.ts';

/** Settings that do not affect the result. */
const notCompared: SettingName[] = [
  'rawData',
  'data',
  'checkpoints',
  'keepCheckpoints',
  'saveEverySteps',
  'saveEveryMinutes',
  'engine',
  'threads',
  'workers',
];

const shownFirst: SettingName[] = ['augment', 'batchSize', 'epochs', 'learningRate', 'seed'];

const trainMetrics: Metric[] = [
  { folder: 'train', tag: 'epoch/accuracy', name: 'accuracy' },
  { folder: 'train', tag: 'epoch/loss', name: 'loss' },
];
const validationMetrics: Metric[] = [
  { folder: 'validation', tag: 'epoch/accuracy', name: 'validation accuracy' },
  { folder: 'validation', tag: 'epoch/loss', name: 'validation loss' },
];

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function hparamsOf(settings: Settings): Record<string, HparamValue> {
  const compared = Object.entries(settings).filter(([name]) => !notCompared.includes(name as SettingName));
  return Object.fromEntries(
    compared.map(([name, value]) => [name, typeof value === 'object' ? asText(value) : value]),
  );
}

function configTable(settings: Settings): string {
  return markdownTable(
    ['setting', 'value'],
    Object.entries(settings).map(([name, value]) => [name, asText(value)]),
  );
}

function classTable({ classes, pictures }: Dataset, split: Split): string {
  const count = (indexes: number[], label: number) =>
    indexes.filter((index) => labelsOf(pictures[index] as Picture).includes(label)).length;
  const rows = classes.map((name, label) => [
    name,
    count(split.train, label),
    count(split.validation, label),
  ]);
  return markdownTable(['class', 'pictures to train on', 'to validate'], rows);
}

function environmentTable(): string {
  return markdownTable(
    ['what', 'value'],
    [
      ['bat-sup', packageVersion()],
      ['Node.js', process.version],
      ['tfjs backend', `${tf.getBackend()}, tfjs ${tf.version_core}`],
      ['system', `${type()} ${release()}, ${process.arch}`],
      ['processor', `${cpus()[0]?.model ?? 'unknown'}, ${usableCores()} cores`],
      ['memory', `${(totalmem() / 2 ** 30).toFixed(1)} GiB`],
    ],
  );
}

/**
 * Describes the run in an event file of its own: settings, classes and machine as texts, and the settings again for the
 * HPARAMS tab. TensorBoard shows the first description that it finds, so a resumed run, whose settings may have
 * changed, replaces the file.
 */
export async function openSessionLog(
  run: string,
  { settings, dataset, split, firstStep }: SessionDescription,
): Promise<EventWriter> {
  const before = (await readdir(run)).filter((name) => name.includes('.tfevents.'));
  const writer = await openEventWriter(run, firstStep);
  const step = firstStep - 1;
  const hparams = hparamsOf(settings);
  const metrics = split.validation.length > 0 ? [...validationMetrics, ...trainMetrics] : trainMetrics;
  writer.summary(0, experimentSummary(hparams, metrics, shownFirst));
  writer.summary(0, sessionStartSummary(hparams));
  writer.summary(step, textSummary('config', configTable(settings)));
  writer.summary(step, textSummary('classes', classTable(dataset, split)));
  writer.summary(step, textSummary('environment', environmentTable()));
  await writer.flush();
  for (const name of before) await rm(join(run, name), { force: true });
  return writer;
}

export interface SessionDescription {
  settings: Settings;
  dataset: Dataset;
  split: Split;
  /** 1 for a new run. */
  firstStep: number;
}
