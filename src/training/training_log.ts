import { join } from 'node:path';
import type { Metrics } from '../checkpoints/index.ts';
import type { Batch } from '../dataset/batches.ts';
import type { Pack } from '../dataset/pack.ts';
import type { Picture } from '../dataset/scan.ts';
import type { Model } from '../models/model.ts';
import { type EventWriter, openEventWriter, scalarSummary, sessionEndSummary } from '../tensorboard/index.ts';
import { watchNetwork, writeWeights } from './log/network_details.ts';
import { writeSamples, writeVaried } from './log/samples.ts';
import { openSessionLog, type SessionDescription } from './log/session.ts';
import { SetDetails } from './log/set_details.ts';
import { ValidationDetails } from './log/validation_details.ts';
import type { BatchResult, EvaluationWatch, StepWatch } from './step.ts';

export interface TrainingLog {
  step(
    step: number,
    done: { result: BatchResult; batchSize: number; learningRate: number; rate: number },
  ): void;
  /** What observes the last step of an epoch, if this epoch is logged in detail. */
  watchStep(step: number, isLastEpoch: boolean): StepWatch | undefined;
  /** The same for the validation after it. @param indexes of the validated pictures, in order. */
  watchValidation(indexes: number[]): EvaluationWatch | undefined;
  epoch(step: number, metrics: Metrics): void;
  /** Marks the run as ended. */
  finish(outcome: 'success' | 'failure', step: number): void;
  /** Writes what was logged so far, so that a kill loses none of it. Errors are thrown by close(). */
  flush(): Promise<void>;
  /** @throws {UserError} where a file could not be written. */
  close(): Promise<void>;
}

export interface TrainingLogOptions extends SessionDescription {
  model: Model;
  pack: Pack;
}

/**
 * An epoch is logged in detail (histograms, drawings, curves) as long as details have taken at most this share of the
 * time of all steps so far; the first and the last epoch always are. Scalars, and what is encoded while training
 * continues, are not counted.
 */
const maxDetailShare = 0.005;

/** TensorBoard shows <run>/train and <run>/validation as two curves of one chart, and <run> as a line of HPARAMS. */
export async function openTrainingLog(run: string, options: TrainingLogOptions): Promise<TrainingLog> {
  const { firstStep, split } = options;
  const writers: Writers = {
    session: await openSessionLog(run, options),
    train: await openEventWriter(join(run, 'train'), firstStep),
    ...(split.validation.length > 0 && {
      validation: await openEventWriter(join(run, 'validation'), firstStep),
    }),
  };
  return new RunLog(run, options, writers);
}

interface Writers {
  session: EventWriter;
  train: EventWriter;
  validation?: EventWriter;
}

class RunLog implements TrainingLog {
  readonly #run: string;
  readonly #options: TrainingLogOptions;
  readonly #writers: Writers;
  /** Milliseconds that all steps took, and that training has waited for details. */
  #trained = 0;
  #spentOnDetails = 0;
  /** Whether this epoch is logged in detail, and how many have been. */
  #detailed = false;
  #epochsDetailed = 0;
  #validation: ValidationDetails | SetDetails | undefined;
  /** The graph and drawings are encoded while training continues. */
  #drawing: Promise<void> = Promise.resolve();

  constructor(run: string, options: TrainingLogOptions, writers: Writers) {
    this.#run = run;
    this.#options = options;
    this.#writers = writers;
    this.#draw(() => writeGraph(writers.train, options.model));
    if (options.firstStep === 1)
      this.#draw(() => writeSamples(writers.train, options, options.model.description));
  }

  step(step: number, { result, batchSize, learningRate, rate }: Parameters<TrainingLog['step']>[1]): void {
    this.#trained += (1000 * batchSize) / rate;
    const scalars = { loss: result.loss, accuracy: result.correct / batchSize };
    this.#writers.train.summary(
      step,
      scalarSummary({ ...scalars, learning_rate: learningRate, images_per_second: rate }),
    );
  }

  watchStep(step: number, isLastEpoch: boolean): StepWatch | undefined {
    const affordable = this.#spentOnDetails <= maxDetailShare * this.#trained;
    this.#detailed = isLastEpoch || affordable || this.#epochsDetailed === 0;
    if (!this.#detailed) return undefined;
    const { train } = this.#writers;
    const { model, settings } = this.#options;
    const watch = watchNetwork(train, model, step);
    return {
      ...(settings.augment === 'online' && {
        batch: (batch: Batch) => this.#draw(() => writeVaried(train, batch, model.description, step)),
      }),
      layer: (name, output) => this.#spend(() => watch.layer(name, output)),
      gradients: (gradients) => this.#spend(() => watch.gradients(gradients)),
    };
  }

  watchValidation(indexes: number[]): EvaluationWatch | undefined {
    if (!this.#detailed) return undefined;
    const { model, dataset } = this.#options;
    const pictures = indexes.map((index) => dataset.pictures[index] as Picture);
    const validation = model.description.isMultiLabel
      ? new SetDetails(model, pictures)
      : new ValidationDetails(model, pictures, this.#epochsDetailed === 0);
    this.#validation = validation;
    return {
      layer: (name, output) => this.#spend(() => validation.layer(name, output)),
      batch: (batch, logits) => this.#spend(() => validation.batch(batch, logits)),
    };
  }

  epoch(step: number, metrics: Metrics): void {
    const { train, validation } = this.#writers;
    writeEpoch(train, step, metrics.loss, metrics.accuracy);
    if (validation) {
      writeEpoch(validation, step, metrics.validationLoss, metrics.validationAccuracy);
      const { validationLoss: loss = 0, validationAccuracy: accuracy = 0 } = metrics;
      validation.summary(step, scalarSummary({ loss, accuracy }));
      const { validationMeanPrecision } = metrics;
      if (validationMeanPrecision !== undefined)
        validation.summary(step, scalarSummary({ 'epoch/mean_average_precision': validationMeanPrecision }));
    }
    if (this.#detailed) this.#spend(() => this.#writeDetails(step));
  }

  #writeDetails(step: number): void {
    const { train, validation } = this.#writers;
    const drawings = [writeWeights(train, this.#options.model, step)];
    if (validation && this.#validation) {
      const draw = this.#validation.write(validation, this.#run, step);
      this.#draw(draw);
    }
    this.#draw(async () => void (await Promise.all(drawings)));
    this.#validation = undefined;
    this.#detailed = false;
    this.#epochsDetailed++;
  }

  #draw(work: () => Promise<void>): void {
    this.#drawing = this.#drawing.then(work);
    this.#drawing.catch(() => {}); // thrown by close()
  }

  #spend<T>(work: () => T): T {
    const before = performance.now();
    const result = work();
    this.#spentOnDetails += performance.now() - before;
    return result;
  }

  finish(outcome: 'success' | 'failure', step: number): void {
    this.#writers.session.summary(step, sessionEndSummary(outcome));
  }

  async flush(): Promise<void> {
    const { session, train, validation } = this.#writers;
    await Promise.allSettled([session.flush(), train.flush(), validation?.flush()]);
  }

  async close(): Promise<void> {
    const { session, train, validation } = this.#writers;
    try {
      await this.#drawing;
    } finally {
      await Promise.all([session.close(), train.close(), validation?.close()]);
    }
  }
}

/** Loads what draws the graph while training has begun. */
async function writeGraph(writer: EventWriter, { layers, description }: Model): Promise<void> {
  const { networkGraph } = await import('../tensorboard/graph.ts');
  writer.graph(networkGraph(layers, description));
}

function writeEpoch(writer: EventWriter, step: number, loss = 0, accuracy = 0): void {
  writer.summary(step, scalarSummary({ 'epoch/loss': loss, 'epoch/accuracy': accuracy }));
}
