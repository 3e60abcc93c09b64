import { ensureBackbone } from '../backbones/index.ts';
import { type Checkpoint, checkTensors, type FileName, loadTensors } from '../checkpoints/index.ts';
import type { Shard, World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { backboneOf } from '../config/pretrained.ts';
import type { Split } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import { valuesOf } from '../formats/network.ts';
import { variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { createModel, type Model } from '../models/model.ts';
import { planArchitecture } from '../models/plan.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { freezeBefore } from '../transfer/blocks.ts';
import { type Start, withNewHead } from '../transfer/new_head.ts';
import { Adam } from './adam.ts';
import { broadcastVariables, GradientExchange } from './exchange.ts';
import { startOnlineFor } from './online.ts';
import type { TrainingOptions } from './options.ts';
import { digestOf, prepare } from './prepare.ts';
import { allVariables, changingVariables, openRecords } from './records.ts';
import { refuseCheckpoints } from './resume.ts';
import { resumedPosition } from './resumed_position.ts';
import type { Training } from './state.ts';
import { type AveragedWeights, averageWithStart, movingAverage, weightsToTrain } from './weight_average.ts';

/**
 * Everything up to the first step: the data, the network (new, or restored from `resume`), and the run's records.
 * @throws {UserError} for what {@link train} refuses.
 */
export async function startTraining(options: TrainingOptions): Promise<Training> {
  const { settings, run, resume, world, signal, events = {} } = options;
  const rank: Shard = world ? { index: world.rank, count: world.size } : { index: 0, count: 1 };
  const isFirst = rank.index === 0;
  if (!resume && isFirst) await refuseCheckpoints(run);
  const prepared = await prepare(settings, events, { resume, world });
  const { dataset, split, pack, objective, stepsPerEpoch } = prepared;
  checkEarlyStopping(settings, split);

  const beginning = await beginningOf(options, prepared.description, isFirst);
  const network = await createNetwork(beginning, options, isFirst);
  const digest = digestOf(dataset, split);
  const globalBatchSize = rank.count * settings.batchSize;
  const epoch = { digest, batchSize: globalBatchSize, stepsPerEpoch };
  const position = resume
    ? resumedPosition(resume, epoch, (text) => events.notice?.(text))
    : { step: 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 };
  if (world) {
    await checkSamePictures(world, digest, settings);
    await broadcastNetwork(world, network, resume !== undefined);
  }

  const training: Training = {
    ...network,
    trainsHead: isPretrained(options) && !resume,
    run,
    settings,
    dataset,
    split,
    pack,
    objective,
    position,
    metrics: resume?.manifest.metrics ?? {},
    best: resume?.manifest.best,
    stepsPerEpoch,
    globalBatchSize,
    rank,
    exchange: world && new GradientExchange({ world, model: network.model, settings }),
    records: undefined,
    online: settings.augment === 'online' ? await startOnlineFor(dataset, settings) : undefined,
    events,
    signal,
  };
  const { heldBackBefore } = prepared;
  if (isFirst) training.records = await openRecords(training, options, { digest, heldBackBefore });
  const { model } = network;
  const { trainsHead } = training;
  const batchSize = globalBatchSize;
  events.started?.({
    ...{ model, dataset, split, stepsPerEpoch, batchSize, trainsHead },
    position: { ...position },
  });
  return training;
}

function checkEarlyStopping({ earlyStopping }: Settings, { validation }: Split): void {
  if (earlyStopping === 0 || validation.length > 0) return;
  throw new UserError(
    '--early-stopping needs validation pictures, and none are held back; raise --validation-split.',
  );
}

/** Each block before the head learns this much slower than the one behind it. */
const layerDecay = 0.9;

/** Whether a training starts from, or has started from, a trained network with a new head. */
function isPretrained({ settings }: Pick<TrainingOptions, 'settings'>): boolean {
  return settings.pretrained !== 'off';
}

interface Network {
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
async function beginningOf(
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
 * @param isFirst whether this is rank 0: only it loads the checkpoint; {@link broadcastNetwork} gives it to the others.
 */
async function createNetwork(
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
async function broadcastNetwork(
  world: World,
  { model, adam, average }: Network,
  isRestored: boolean,
): Promise<void> {
  await broadcastVariables(world, allVariables(model));
  if (isRestored) await broadcastVariables(world, adam.moments);
  if (average) await broadcastVariables(world, new Map([...average.averages, ...average.memory]));
}

/** @throws {UserError} where this rank has other pictures than rank 0. */
async function checkSamePictures(world: World, digest: string, { data }: Settings): Promise<void> {
  if ((await world.share(digest)) === digest) return;
  throw new UserError(
    `${data} differs from that of rank 0; put it on a disk that all ranks share, or copy it to each.`,
  );
}
