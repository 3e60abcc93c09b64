import { dirname } from 'node:path';
import { type Checkpoint, checkTensors, type FileName, loadTensors } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { defaults, type Settings } from '../config/index.ts';
import { backboneOf, hasFrozen, hasStart, isHeadOnly, type StartSettings } from '../config/pretrained.ts';
import { variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { createModel, type Model } from '../models/model.ts';
import { planArchitecture } from '../models/plan.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { readRecord } from '../runs/record.ts';
import { freezeBefore } from '../transfer/blocks.ts';
import { frozenBy } from '../transfer/freeze.ts';
import { headOf } from '../transfer/head.ts';
import { type ClassChange, withClasses } from '../transfer/new_head.ts';
import { Adam } from './adam.ts';
import { broadcastVariables } from './exchange.ts';
import type { TrainingOptions } from './options.ts';
import { readStart, startFromBackbone } from './read_start.ts';
import { allVariables, changingVariables } from './records.ts';
import { type AveragedWeights, averageWithStart, movingAverage, weightsToTrain } from './weight_average.ts';

/** Each block before the head learns this much slower than the one behind it. */
const layerDecay = 0.9;

/** A network with its optimizer. */
export interface Network {
  model: Model;
  adam: Adam;
  average: AveragedWeights | undefined;
}

/** A network before its first step in this session. */
interface Beginning {
  description: ModelDescription;
  /** Default: that of networks that start from nothing. */
  preprocessing?: Preprocessing | undefined;
  /** By variable name, of a trained network to start from; on rank 0 only. */
  weights?: Map<string, Float32Array>;
  /** What became of the classes of the network to start from. */
  change?: ClassChange;
}

/** The trained network that a new training starts from; undefined where it starts from nothing. */
export async function startOf({
  settings,
  start,
  events,
}: Pick<TrainingOptions, 'settings' | 'start' | 'events'>): Promise<TrainingOptions['start']> {
  if (start || !hasStart(settings)) return start;
  const notice = (text: string) => events?.notice?.(text);
  const backbone = backboneOf(settings.pretrained);
  if (backbone) return startFromBackbone(backbone, notice);
  return readStart(settings.from, { checkpoints: settings.checkpoints, size: settings, notice });
}

/**
 * What a network begins with, besides a checkpoint to continue from. Rank 0 shares all of it but the weights.
 * @param start on rank 0 only.
 */
export async function beginningOf(
  { settings, resume, world }: Pick<TrainingOptions, 'settings' | 'resume' | 'world'>,
  wanted: ModelDescription,
  start: TrainingOptions['start'],
): Promise<Beginning> {
  if (resume) return { description: wanted, preprocessing: resume.manifest.preprocessing };
  if (!hasStart(settings)) return { description: wanted };
  const own = start && { ...withClasses(start, wanted), preprocessing: start.preprocessing };
  if (!world) return own as Beginning;
  const { weights, ...shared } = own ?? {};
  return { ...((await world.share(shared)) as Beginning), ...(weights && { weights }) };
}

/**
 * The classes whose rows of the head are fitted to features before the first step: those that the network did not know. Those of
 * all, where none is new and nothing else learns; [] for a head that is only judged; undefined where it is neither.
 */
export function rowsToFit(
  settings: StartSettings,
  { known, added, isLinear }: ClassChange,
): number[] | undefined {
  if (added.length > 0) return hasFrozen(settings) || !isLinear ? undefined : added;
  return isHeadOnly(settings) ? known : [];
}

/** The weights that a network begins with, and Adam's moments. */
interface Restored {
  weights: Map<string, Float32Array>;
  optimizer: Map<string, Float32Array>;
}

const nothing: Restored = { weights: new Map(), optimizer: new Map() };

async function restoredFrom(checkpoint: Checkpoint): Promise<Restored> {
  const load = (name: FileName) => loadTensors(checkpoint, name);
  return { weights: await load('weights.bin'), optimizer: await load('optimizer.bin') };
}

/**
 * What stays as it is where training starts from a trained network: the layers that are named, or all but the head and the blocks
 * that are fine-tuned.
 */
export function freezing(description: ModelDescription, settings: Settings) {
  if (!hasStart(settings)) return {};
  const layers = description.layers ?? planArchitecture(description.architecture, description).layers;
  if (hasFrozen(settings)) return { frozen: frozenBy(settings.freeze, layers) };
  const { frozen, depths } = freezeBefore(layers, headOf(layers)?.layers.length ?? 1, settings.fineTune);
  const learningRates = new Map([...depths].map(([name, depth]) => [name, layerDecay ** depth]));
  return { frozen, frozenStatistics: true, learningRates };
}

/** Whether the layers that learn are those that did when a run's checkpoint was saved. */
async function learnsAsBefore(settings: Settings, resume: Checkpoint, isFirst: boolean): Promise<boolean> {
  if (!hasStart(settings)) return true;
  const record = isFirst ? await readRecord(dirname(resume.folder)) : undefined;
  const before = record?.sessions.at(-1)?.settings;
  const same = (name: 'fineTune' | 'freeze') =>
    JSON.stringify(before?.[name] ?? defaults[name]) === JSON.stringify(settings[name]);
  return before !== undefined && same('fineTune') && same('freeze');
}

/**
 * Creates the network with its optimizer: new, from a trained one, or restored.
 * @param isFirst whether this is rank 0: only it loads the checkpoint; {@link broadcastNetwork} gives it to the others.
 */
export async function createNetwork(
  { description, preprocessing, weights: start }: Beginning,
  options: Pick<TrainingOptions, 'settings' | 'resume'>,
  isFirst: boolean,
): Promise<Network> {
  const { settings, resume } = options;
  const { seed, dropout, weightDecay, ema } = settings;
  const { learningRates, ...frozen } = freezing(description, settings);
  const { weights, optimizer } = resume && isFirst ? await restoredFrom(resume) : nothing;
  const restored = start ?? weightsToTrain(weights, optimizer);
  const model = createModel(description, { seed, restored, dropout, preprocessing, ...frozen });
  const adam = new Adam(model.variables, optimizer, { weightDecay, ...(learningRates && { learningRates }) });
  if (resume) {
    checkTensors(resume, 'weights.bin', model.layers.flatMap(variablesOf));
    const learnedBefore = await learnsAsBefore(settings, resume, isFirst);
    // Layers that have not learned so far have no moments yet.
    const stored = new Set(resume.manifest.files['optimizer.bin'].tensors.map(({ name }) => name));
    const wanted = adam.snapshot().filter(({ name }) => learnedBefore || stored.has(name));
    checkTensors(resume, 'optimizer.bin', wanted);
  }
  const variables = changingVariables(model);
  const isFineTuned = hasStart(settings) && settings.fineTune > 0;
  let average: AveragedWeights | undefined;
  if (ema > 0) average = movingAverage(variables, ema, weights);
  else if (isFineTuned) average = averageWithStart(variables, optimizer);
  return { model, adam, average };
}

/** Copies rank 0's network to all ranks. A new Adam has zeros everywhere, so it is only sent if it was restored. */
export async function broadcastNetwork(
  world: World,
  { model, adam, average }: Network,
  isRestored: boolean,
): Promise<void> {
  await broadcastVariables(world, allVariables(model));
  if (isRestored) await broadcastVariables(world, adam.moments);
  if (average) await broadcastVariables(world, new Map([...average.averages, ...average.memory]));
}
