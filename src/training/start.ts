import { checkTensors, type FileName, loadTensors } from '../checkpoints/index.ts';
import type { Shard, World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import type { Split } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import { variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { createModel, type Model } from '../models/model.ts';
import { Adam } from './adam.ts';
import { broadcastVariables, GradientExchange } from './exchange.ts';
import { startOnlineFor } from './online.ts';
import type { TrainingOptions } from './options.ts';
import { digestOf, prepare } from './prepare.ts';
import { allVariables, changingVariables, openRecords } from './records.ts';
import { refuseCheckpoints } from './resume.ts';
import { resumedPosition } from './resumed_position.ts';
import type { Training } from './state.ts';
import { WeightAverage, weightsToTrain } from './weight_average.ts';

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
  const { description, dataset, split, pack, objective, stepsPerEpoch } = prepared;
  checkEarlyStopping(settings, split);

  const network = await createNetwork(description, { settings, resume }, isFirst);
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
  const batchSize = globalBatchSize;
  events.started?.({ model, dataset, split, stepsPerEpoch, batchSize, position: { ...position } });
  return training;
}

function checkEarlyStopping({ earlyStopping }: Settings, { validation }: Split): void {
  if (earlyStopping === 0 || validation.length > 0) return;
  throw new UserError(
    '--early-stopping needs validation pictures, and none are held back; raise --validation-split.',
  );
}

interface Network {
  model: Model;
  adam: Adam;
  average: WeightAverage | undefined;
}

/**
 * @param isFirst whether this is rank 0: only it loads the checkpoint; {@link broadcastNetwork} gives it to the others.
 */
async function createNetwork(
  description: ModelDescription,
  { settings, resume }: Pick<TrainingOptions, 'settings' | 'resume'>,
  isFirst: boolean,
): Promise<Network> {
  const { seed, dropout, weightDecay, ema } = settings;
  const load = (name: FileName) =>
    resume && isFirst ? loadTensors(resume, name) : new Map<string, Float32Array>();
  const [weights, optimizer] = [await load('weights.bin'), await load('optimizer.bin')];
  const restored = weightsToTrain(weights, optimizer);
  const preprocessing = resume?.manifest.preprocessing;
  const model = createModel(description, { seed, restored, dropout, preprocessing });
  const adam = new Adam(model.variables, optimizer, { weightDecay });
  if (resume) {
    checkTensors(resume, 'weights.bin', model.layers.flatMap(variablesOf));
    checkTensors(resume, 'optimizer.bin', adam.snapshot());
  }
  const average = ema > 0 ? new WeightAverage(changingVariables(model), ema, weights) : undefined;
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
  if (average) await broadcastVariables(world, average.averages);
}

/** @throws {UserError} where this rank has other pictures than rank 0. */
async function checkSamePictures(world: World, digest: string, { data }: Settings): Promise<void> {
  if ((await world.share(digest)) === digest) return;
  throw new UserError(
    `${data} differs from that of rank 0; put it on a disk that all ranks share, or copy it to each.`,
  );
}
