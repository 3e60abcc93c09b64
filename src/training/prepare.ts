import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { Checkpoint } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { isHeadOnly } from '../config/pretrained.ts';
import { digestPictures } from '../dataset/digests.ts';
import { findLabelSets, type LabelSets, withLabelSets } from '../dataset/label_sets.ts';
import { type Pack, packPictures } from '../dataset/pack.ts';
import { type Dataset, scanDataset } from '../dataset/scan.ts';
import { applySoftLabels } from '../dataset/soft_labels.ts';
import { type Split, splitPictures, underrepresented } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import type { ModelDescription } from '../models/description.ts';
import { type HeldBack, readHeldBack, sidesBefore } from '../runs/held_back.ts';
import type { TrainingEvents } from './options.ts';
import { checkSameNetwork, describeNetwork } from './resume.ts';
import { balancedSetWeights, balancedWeights, type Objective } from './targets.ts';

/** The data to train on, and the network to train. */
export interface Prepared {
  description: ModelDescription;
  pack: Pack;
  dataset: Dataset;
  split: Split;
  /** What a resumed run, or the run that the network to start from is of, has held back so far; on rank 0 only. */
  heldBackBefore: HeldBack | undefined;
  stepsPerEpoch: number;
  objective: Objective;
}

type Data = Pick<Prepared, 'description' | 'pack' | 'dataset'>;

/**
 * Scans data/, decodes its pictures and splits them for training and validation.
 * @param resume the checkpoint to continue from; it is checked before the pictures are decoded.
 * @param heldBack what the network to start from has not learned from, if that is known.
 * @param world the ranks that share each step. Rank 0 splits the pictures for all of them.
 * @throws {UserError} for too few classes or pictures, or a checkpoint of another network.
 */
export async function prepare(
  settings: Settings,
  events: TrainingEvents,
  {
    resume,
    world,
    heldBack,
  }: { resume?: Checkpoint | undefined; world?: World | undefined; heldBack?: HeldBack | undefined } = {},
): Promise<Prepared> {
  const isFirst = world === undefined || world.rank === 0;
  const heldBackBefore = resume && isFirst ? await readHeldBack(dirname(resume.folder)) : heldBack;
  const labelSets = await shareLabelSets(settings, events, world);
  const read = () => readData(settings, events, { resume, isFirst, labelSets });
  const { description, pack, dataset: scanned } = await (world ? world.inTurn(read) : read());
  const ownSplit = isFirst
    ? splitData(scanned, { pack, heldBackBefore, resume }, settings, events)
    : undefined;
  const hardSplit = (world ? await world.share(ownSplit) : ownSplit) as Split;
  const { dataset, split } = await applySoftLabels(settings.data, scanned, hardSplit);
  const stepsPerEpoch = isHeadOnly(settings) ? 0 : countSteps(split, (world?.size ?? 1) * settings.batchSize);
  const objective = objectiveOf(dataset, split, settings);
  return { description, pack, dataset, split, heldBackBefore, stepsPerEpoch, objective };
}

/** The labels of pictures that can show several classes, which rank 0 finds for all; undefined where each shows one. */
async function shareLabelSets(
  settings: Settings,
  events: TrainingEvents,
  world: World | undefined,
): Promise<LabelSets | undefined> {
  if (settings.multiLabel === 'off') return undefined;
  const isFirst = world === undefined || world.rank === 0;
  const own = isFirst ? await findLabelSets(settings, (text) => events.notice?.(text)) : undefined;
  return world ? ((await world.share(own)) as LabelSets) : own;
}

/** @param isFirst whether this is rank 0: only it needs the raw pictures, because it splits for all. */
async function readData(
  settings: Settings,
  events: TrainingEvents,
  {
    resume,
    isFirst,
    labelSets,
  }: { resume: Checkpoint | undefined; isFirst: boolean; labelSets: LabelSets | undefined },
): Promise<Data> {
  const { data, workers } = settings;
  const rawData = isFirst ? settings.rawData : undefined;
  const notice = (text: string) => events.notice?.(text);
  const found = await scanDataset(data, rawData, notice, labelSets ? 1 : 2);
  const scanned = labelSets ? withLabelSets(found, labelSets, data) : found;
  const description = describeNetwork(settings, scanned.classes, resume);
  if (resume) checkSameNetwork(resume, description);
  const dataset = isFirst ? await digestPictures(scanned, { folder: data, workers }) : scanned;
  const pack = await packPictures(dataset, {
    folder: data,
    size: settings,
    workers,
    onProgress: (done) => events.decoding?.(done, dataset.pictures.length),
  });
  return { description, pack, dataset };
}

/** Splits the pictures, and reports the classes of which too few can be held back. */
function splitData(
  { pictures, classes }: Dataset,
  {
    pack,
    heldBackBefore,
    resume,
  }: Pick<Prepared, 'pack' | 'heldBackBefore'> & { resume?: Checkpoint | undefined },
  { data, validationSplit: share, seed, groupLookalikes }: Settings,
  events: TrainingEvents,
): Split {
  const sides = heldBackBefore && sidesBefore(heldBackBefore, pictures, data);
  if (!resume && sides?.some((side) => side !== undefined))
    events.notice?.(
      'Pictures on which the network to start from was validated are held back again; it has learned from the others.',
    );
  const lookalikes = groupLookalikes === 'on' ? pack.lookalikes : undefined;
  const split = splitPictures(pictures, { classes: classes.length, share, seed, lookalikes, sides });
  // The pictures of a resumed run keep their sides, whatever share the settings ask for now.
  if (heldBackBefore) return split;
  for (const { label, held } of underrepresented(pictures, split, { classes: classes.length, share })) {
    events.notice?.(
      `Only ${(100 * held).toFixed(1)} % of the class "${classes[label]}" can be held back for validation: ` +
        'its pictures are copies of few, or look the same; "bat-sup check" lists them.',
    );
  }
  return split;
}

function objectiveOf(
  { pictures, classes }: Dataset,
  { train }: Split,
  { labelSmoothing, classWeights }: Settings,
): Objective {
  if (classWeights === 'off') return { labelSmoothing };
  const sets = train.flatMap((index) => pictures[index]?.labels ?? []);
  if (pictures.some(({ labels }) => labels))
    return { labelSmoothing, ...balancedSetWeights(sets, train.length, classes.length) };
  const labels = train.map((index) => pictures[index]?.label as number);
  return { labelSmoothing, classWeights: balancedWeights(labels, classes.length) };
}

/** Full batches per epoch. The pictures left over take part in later epochs, which are shuffled differently. */
function countSteps(split: Split, batchSize: number): number {
  const steps = Math.floor(split.train.length / batchSize);
  if (steps > 0) return steps;
  throw new UserError(
    `There are ${split.train.length} pictures to train on, fewer than one batch of ${batchSize}; ` +
      'add pictures, run "bat-sup augment", or lower --batch-size.',
  );
}

/** SHA-256 of the pictures and their split: with the seed, these determine the order of every epoch. */
export function digestOf(dataset: Dataset, split: Split): string {
  // The JSON of [pictures, split], in pieces: that of a million pictures would exceed the longest string.
  const hash = createHash('sha256').update('[[');
  for (const [index, { file, label, labels }] of dataset.pictures.entries())
    hash.update(`${index === 0 ? '' : ','}${JSON.stringify([file, labels ?? label])}`);
  return hash.update(`],${JSON.stringify(split)}]`).digest('hex');
}
