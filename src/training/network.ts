import { ensureBackbone } from '../backbones/index.ts';
import { type Checkpoint, checkTensors, type FileName, loadTensors } from '../checkpoints/index.ts';
import type { World } from '../cluster/index.ts';
import { backboneOf } from '../config/pretrained.ts';
import { valuesOf } from '../formats/network.ts';
import { variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { createModel, type Model } from '../models/model.ts';
import { planArchitecture } from '../models/plan.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { freezeBefore } from '../transfer/blocks.ts';
import { type Start, withNewHead } from '../transfer/new_head.ts';
import { Adam } from './adam.ts';
import { broadcastVariables } from './exchange.ts';
import type { TrainingOptions } from './options.ts';
import { allVariables, changingVariables } from './records.ts';
import { type AveragedWeights, averageWithStart, movingAverage, weightsToTrain } from './weight_average.ts';

/** Each block before the head learns this much slower than the one behind it. */
const layerDecay = 0.9;

/** Whether a training starts from, or has started from, a trained network with a new head. */
export function isPretrained({ settings }: Pick<TrainingOptions, 'settings'>): boolean {
  return settings.pretrained !== 'off';
}

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
}

/** Reads the trained network that a new training starts from; undefined where it starts from nothing. */
async function readStart({ settings, start, events }: TrainingOptions): Promise<Start | undefined> {
  const backbone = backboneOf(settings.pretrained);
  if (start || backbone === undefined) return start;
  const network = await ensureBackbone(backbone, (text) => events?.notice?.(text));
  return {
    description: { ...network.model, layers: network.layers },
    weights: valuesOf(network),
    preprocessing: network.preprocessing,
  };
}

/** What a network begins with, besides a checkpoint to continue from. Rank 0 reads it, and shares all but the weights. */
export async function beginningOf(
  options: TrainingOptions,
  wanted: ModelDescription,
  isFirst: boolean,
): Promise<Beginning> {
  const { resume, world } = options;
  if (resume) return { description: wanted, preprocessing: resume.manifest.preprocessing };
  if (!isPretrained(options)) return { description: wanted };
  const start = isFirst ? await readStart(options) : undefined;
  const own = start && { ...withNewHead(start, wanted), preprocessing: start.preprocessing };
  if (!world) return own as Beginning;
  const shared = await world.share(own && { description: own.description, preprocessing: own.preprocessing });
  return { ...(shared as Beginning), ...(own && { weights: own.weights }) };
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

/** What stays as it is: with a backbone, all but the head and the blocks that are fine-tuned. */
function freezing(description: ModelDescription, options: Pick<TrainingOptions, 'settings'>) {
  if (!isPretrained(options)) return {};
  const { settings } = options;
  const layers = description.layers ?? planArchitecture(description.architecture, description).layers;
  const { frozen, depths } = freezeBefore(layers, settings.fineTune);
  const learningRates = new Map([...depths].map(([name, depth]) => [name, layerDecay ** depth]));
  return { frozen, frozenStatistics: true, learningRates };
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
  const { learningRates, ...frozen } = freezing(description, options);
  const { weights, optimizer } = resume && isFirst ? await restoredFrom(resume) : nothing;
  const restored = start ?? weightsToTrain(weights, optimizer);
  const model = createModel(description, { seed, restored, dropout, preprocessing, ...frozen });
  const adam = new Adam(model.variables, optimizer, { weightDecay, ...(learningRates && { learningRates }) });
  if (resume) {
    checkTensors(resume, 'weights.bin', model.layers.flatMap(variablesOf));
    // With a backbone, blocks that have not learned so far have no moments yet.
    if (!isPretrained(options)) checkTensors(resume, 'optimizer.bin', adam.snapshot());
  }
  const variables = changingVariables(model);
  const isFineTuned = isPretrained(options) && settings.fineTune > 0;
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
