import { type CheckpointInfo, isRunRemoved } from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import { labelsOf, type Picture } from '../dataset/scan.ts';
import { UserError } from '../errors.ts';
import type { Model } from '../models/model.ts';
import { fittingOf, type Normalisation, type Preprocessing } from '../models/preprocessing.ts';
import { type HeldBack, saveHeldBack } from '../runs/held_back.ts';
import { cutHistory } from '../runs/history.ts';
import { beginSession, type OpenSession } from '../runs/record.ts';
import type { tf } from '../tensors/tf.ts';
import { CheckpointSaver, type Snapshot } from './checkpoint_saver.ts';
import type { TrainingOptions } from './options.ts';
import { changedSettings, describeChanges } from './resume.ts';
import type { Records, Training } from './state.ts';
import { tensorSources } from './tensor_source.ts';
import { openTrainingLog } from './training_log.ts';
import { currentWeights } from './weight_average.ts';

interface Known {
  /** See {@link digestOf}. */
  digest: string;
  heldBackBefore: HeldBack | undefined;
}

/** Opens the run's records, once everything else is ready. */
export async function openRecords(
  training: Training,
  options: TrainingOptions,
  known: Known,
): Promise<Records> {
  const { run, settings, dataset, split, pack, model, position } = training;
  const firstStep = position.step + 1;
  return {
    saver: new CheckpointSaver(run, settings, () => snapshot(training, known.digest)),
    log: await openTrainingLog(run, { settings, dataset, split, pack, model, firstStep }),
    session: await openSession(training, options, known),
  };
}

/** Writes what evaluate, runs and report read about the run. */
async function openSession(
  { run, settings, dataset, split, position, globalBatchSize, rank }: Training,
  { resume, engine, command, events }: TrainingOptions,
  { digest, heldBackBefore: before }: Known,
): Promise<OpenSession> {
  await saveHeldBack(run, { data: settings.data, dataset, split, digest, before });
  await cutHistory(run, position.epoch);
  const ranks = rank.count;
  const now = { ...settings, batchSize: globalBatchSize, ranks };
  const changed = resume ? await changedSettings(resume, now) : {};
  const isChanged = Object.keys(changed).length > 0;
  if (isChanged) events?.notice?.(`Continuing with changed settings: ${describeChanges(changed)}`);
  if (['validationSplit', 'seed', 'groupLookalikes'].some((name) => name in changed))
    events?.notice?.('Pictures already held back stay so; the changed settings apply to new pictures only.');
  const count = (indexes: number[], label: number) =>
    indexes.filter((index) => labelsOf(dataset.pictures[index] as Picture).includes(label)).length;
  const start = {
    command: command ?? null,
    settings,
    ...(isChanged ? { changed } : {}),
    ...(ranks > 1 ? { ranks } : {}),
    engine: engine ? { name: engine.name, description: engine.description } : null,
    dataset: dataset.classes.map((name, label) => ({
      class: name,
      train: count(split.train, label),
      validation: count(split.validation, label),
    })),
    from: { epoch: position.epoch, step: position.step },
  };
  return beginSession(run, start, resume !== undefined);
}

/** The tensors of a network that training changes: the trained ones, and what its layers keep besides. */
export function changingVariables({ variables, state }: Model): Map<string, tf.Variable> {
  return new Map([...variables, ...state]);
}

/** All tensors of a network. */
export function allVariables(model: Model): Map<string, tf.Variable> {
  return new Map([...changingVariables(model), ...model.frozen]);
}

/** In this order of keys, so that manifests without crop and filter stay what they were. */
function storedPreprocessing(settings: Settings, normalisation: Normalisation): Preprocessing {
  const { fit, ...resampling } = fittingOf(settings);
  return { fit, ...normalisation, ...resampling };
}

function snapshot(training: Training, dataset: string): Snapshot {
  const { model, adam, average, settings, globalBatchSize, position, metrics, best, thresholds } = training;
  const { seed, learningRate, validationSplit, ema } = settings;
  const variables = changingVariables(model);
  const info: CheckpointInfo = {
    model: model.description,
    preprocessing: storedPreprocessing(settings, model.preprocessing),
    training: { seed, batchSize: globalBatchSize, learningRate, validationSplit, dataset },
    position: { ...position },
    metrics: { ...metrics },
    ...(best && { best }),
    ...(average && ema > 0 && { ema }),
    ...(thresholds && { thresholds }),
  };
  return {
    info,
    weights: tensorSources(new Map([...(average?.averages ?? variables), ...model.frozen])),
    optimizer: [
      ...adam.snapshot(),
      ...(average ? [...currentWeights(variables), ...tensorSources(average.memory)] : []),
    ],
  };
}

/**
 * Starts to save a checkpoint. The log is flushed first: no step of a checkpoint is missing from it, even after a kill.
 */
export async function save({ run, records }: Training): Promise<void> {
  if (records) await refuseRemoved(run);
  await records?.log.flush();
  await records?.saver.save();
}

/** @throws {UserError} where the run's folder was removed during training: saving would create a new one. */
export async function refuseRemoved(run: string): Promise<void> {
  if (!(await isRunRemoved(run))) return;
  throw new UserError(`${run} was removed during training, so there is nothing to resume; train again.`);
}
