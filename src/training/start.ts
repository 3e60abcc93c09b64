import type { Shard, World } from '../cluster/index.ts';
import type { Settings } from '../config/index.ts';
import { isHeadOnly } from '../config/pretrained.ts';
import type { Split } from '../dataset/split.ts';
import { UserError } from '../errors.ts';
import { GradientExchange } from './exchange.ts';
import { checkUnknown } from './fit_unknown.ts';
import { beginningOf, broadcastNetwork, createNetwork, rowsToFit, startOf } from './network.ts';
import { startOnlineFor } from './online.ts';
import type { TrainingOptions } from './options.ts';
import { digestOf, prepare } from './prepare.ts';
import { openRecords } from './records.ts';
import { refuseCheckpoints } from './resume.ts';
import { resumedPosition } from './resumed_position.ts';
import type { Training } from './state.ts';

/**
 * Everything up to the first step: the data, the network (new, or restored from `resume`), and the run's records.
 * @throws {UserError} for what {@link train} refuses.
 */
export async function startTraining(options: TrainingOptions): Promise<Training> {
  const { settings, run, resume, world, signal, events = {} } = options;
  const rank: Shard = world ? { index: world.rank, count: world.size } : { index: 0, count: 1 };
  const isFirst = rank.index === 0;
  if (!resume && isFirst) await refuseCheckpoints(run);
  const start = isFirst && !resume ? await startOf(options) : undefined;
  const prepared = await prepare(settings, events, { resume, world, heldBack: start?.heldBack });
  const { dataset, split, pack, objective, stepsPerEpoch } = prepared;
  checkEarlyStopping(settings, split);

  const beginning = await beginningOf(options, prepared.description, start);
  const network = await createNetwork(beginning, options, isFirst);
  checkUnknown(settings, split, network.model);
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

  const { change } = beginning;
  const rows = change && rowsToFit(settings, change);
  const training: Training = {
    ...network,
    trainsHead: rows !== undefined,
    rowsToFit: rows ?? [],
    run,
    settings,
    dataset,
    split,
    pack,
    objective,
    position,
    metrics: resume?.manifest.metrics ?? {},
    best: resume?.manifest.best,
    thresholds: resume?.manifest.thresholds,
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
    ...{ model, dataset, split, stepsPerEpoch, batchSize, trainsHead, change },
    learning: numbersThatLearn(training),
    position: { ...position },
  });
  return training;
}

/** The variables of a network that change; of a head that is trained alone, only the rows that are fitted. */
function numbersThatLearn({ model, settings, rowsToFit, dataset }: Training): number {
  const all = [...model.variables.values()].reduce((sum, { size }) => sum + size, 0);
  const isPart = isHeadOnly(settings) && rowsToFit.length > 0;
  return isPart ? (all / dataset.classes.length) * rowsToFit.length : all;
}

function checkEarlyStopping({ earlyStopping }: Settings, { validation }: Split): void {
  if (earlyStopping === 0 || validation.length > 0) return;
  throw new UserError(
    '--early-stopping needs validation pictures, and none are held back; raise --validation-split.',
  );
}

/** @throws {UserError} where this rank has other pictures than rank 0. */
async function checkSamePictures(world: World, digest: string, { data }: Settings): Promise<void> {
  if ((await world.share(digest)) === digest) return;
  throw new UserError(
    `${data} differs from that of rank 0; put it on a disk that all ranks share, or copy it to each.`,
  );
}
