import { isRunRemoved, listCheckpoints, lockRun } from '../checkpoints/index.ts';
import { RankFailed } from '../cluster/index.ts';
import { reason } from '../errors.ts';
import { fitUnknown } from './fit_unknown.ts';
import { trainHead } from './head/train_head.ts';
import { trainEpoch } from './loop.ts';
import type { TrainingOptions, TrainingResult } from './options.ts';
import { refuseRemoved, save } from './records.ts';
import { startTraining } from './start.ts';
import { isFinished, isStopped, type Training } from './state.ts';

/**
 * Trains a network on the pictures of data/<class>/, and saves checkpoints and TensorBoard logs in the folder `run`.
 * The engine must have been started. A checkpoint is saved after every epoch, and where training is stopped.
 * @throws {UserError} for fewer than two classes, or fewer pictures than a batch; a checkpoint of another network; a
 * loss that is not finite; a run's folder that another training uses, has saved checkpoints to, or that was removed.
 * @example
 * ```ts
 * import { readSettings, startEngine, train } from 'bat-sup';
 *
 * const settings = await readSettings({ epochs: 2, batchSize: 4, engine: 'wasm' });
 * const engine = await startEngine(settings.engine, settings);
 * const events = { epoch: (epoch: number, { loss = 0 }) => console.log(epoch, loss.toFixed(4)) };
 * const { finished } = await train({ settings, run: 'checkpoints/from-a-program', engine, events });
 * console.log(finished);
 * await engine.dispose();
 * ```
 */
export async function train(options: TrainingOptions): Promise<TrainingResult> {
  if (options.world && options.world.rank > 0) return trainLocked(options);
  const unlock = await lockRun(options.run);
  try {
    return await trainLocked(options);
  } catch (error) {
    // If the run was removed, say so, whichever file could not be written first.
    await refuseRemoved(options.run);
    throw error;
  } finally {
    await unlock();
  }
}

async function trainLocked(options: TrainingOptions): Promise<TrainingResult> {
  const training = await startTraining(options);
  const { run, position, records } = training;
  let unknown: TrainingResult['unknown'];
  try {
    if (training.trainsHead) await trainHead(training);
    while (!isFinished(training) && !isStopped(training)) await trainEpoch(training);
    await records?.saver.finish();
    if (records) await refuseRemoved(run);
    unknown = await unknownOf(training);
    if (isFinished(training)) records?.log.finish('success', position.step);
  } catch (error) {
    await recordFailure(training, error);
    throw error;
  } finally {
    await close(training);
  }
  const finished = isFinished(training);
  await records?.session.end({ state: finished ? 'finished' : 'stopped', to: position });
  const { metrics, best } = training;
  const saved = (await listCheckpoints(run)).length > 0;
  return { run, position, metrics, ...(best && { best }), finished, saved, ...(unknown && { unknown }) };
}

/** Fits what rejects pictures of no class, once the network is trained. */
async function unknownOf(training: Training): Promise<TrainingResult['unknown']> {
  if (training.settings.unknown === 0 || !training.records || !isFinished(training)) return undefined;
  return fitUnknown(training);
}

/** Saves what another rank's failure would lose, and notes the reason in the run's record. */
async function recordFailure(training: Training, error: unknown): Promise<void> {
  const { run, position, records } = training;
  if (error instanceof RankFailed) await save(training);
  if (!records || (await isRunRemoved(run))) return;
  await records.session.end({ state: 'failed', failure: reason(error), to: position }).catch(() => {});
}

async function close({ records, online, average, adam, model }: Training): Promise<void> {
  await records?.saver.close();
  await records?.log.close();
  await online?.close();
  average?.dispose();
  adam.dispose();
  model.dispose();
}
