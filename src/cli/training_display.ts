import { compareMetrics, type Metrics, type Position } from '../checkpoints/index.ts';
import type { Settings } from '../config/index.ts';
import type { Model } from '../models/model.ts';
import { sizeOf } from '../tensors/shape.ts';
import { describeClasses, figure } from '../text/format.ts';
import type { TrainingEvents } from '../training/options.ts';
import type { BatchResult } from '../training/step.ts';
import type { ClassChange } from '../transfer/new_head.ts';
import { type LiveBlock, liveBlock } from './live_block.ts';
import { noticeText } from './notice.ts';
import { canRedraw, type ProgressBar, progressBar } from './progress.ts';
import { type TrainingState, trainingView } from './training_view.ts';

type Best = NonNullable<TrainingState['best']>;

/** Loss and accuracy of training and validation, in at most 54 columns. */
export function describeMetrics(metrics: Metrics): string {
  const { loss, accuracy, validationLoss, validationAccuracy, validationMeanPrecision } = metrics;
  if (validationMeanPrecision !== undefined) {
    const held = `val loss ${figure(validationLoss)}  exact ${figure(validationAccuracy)}  mAP ${figure(validationMeanPrecision)}`;
    return loss === undefined ? held : `loss ${figure(loss)}  ${held}`;
  }
  const train = `loss ${figure(loss)}  acc ${figure(accuracy)}`;
  if (validationAccuracy === undefined) return train;
  const validation = `val loss ${figure(validationLoss)}  acc ${figure(validationAccuracy)}`;
  // A network that is validated before its first epoch here.
  return loss === undefined ? validation : `${train}  ${validation}`;
}

/** Networks with more layers are described in one line. */
const maxListed = 60;

const numbers = (count: number) => count.toLocaleString('en');

/** Numbers that could learn. */
function weightsIn(layers: Model['layers']): number {
  return layers.flatMap((layer) => layer.variables).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** One line per layer, or one for all of them. */
function describeLayers({ layers, description }: Model): string[] {
  if (layers.length <= maxListed)
    return layers.map(({ name, outputShape }) => `${name.padEnd(9)} ${outputShape.join(' x ')}`);
  return [
    `network   ${description.architecture}, ${layers.length} layers, ${numbers(weightsIn(layers))} weights`,
  ];
}

/** 'bat, owl', or the number of them where they are many. */
function listed(names: string[], what: string): string {
  return names.length <= 4 ? names.join(', ') : `${names.length} ${what}`;
}

/** What became of the head of the network to start from. */
function describeHead({ known, added, removed, cut }: ClassChange, classes: string[]): string[] {
  const named = (indices: number[]) =>
    listed(
      indices.map((index) => classes[index] as string),
      'classes',
    );
  if (known.length === 0)
    return [cut.length > 0 ? `head ${cut.join(', ')} cut off for a new one` : 'a head added to its features'];
  const isSame = added.length + removed === 0;
  return [
    isSame ? 'its head kept' : `head kept for ${named(known)}`,
    ...(added.length > 0 ? [`added for ${named(added)}`] : []),
    ...(removed > 0 ? [`cut for ${removed} ${removed === 1 ? 'class' : 'classes'}`] : []),
  ];
}

/** What was kept, cut and frozen, and how many numbers learn: one line. */
function describeLearning({ layers, variables, frozen }: Model, head: string[], learning: number): string {
  const layerOf = (name: string) => name.slice(0, name.lastIndexOf('/'));
  const isLearning = new Set([...variables.keys()].map(layerOf));
  const fixed = [...new Set([...frozen.keys()].map(layerOf))].filter((name) => !isLearning.has(name));
  const range =
    fixed.length > 4 ? `${fixed.length} layers, ${fixed[0]} to ${fixed.at(-1)},` : fixed.join(', ');
  const parts = [
    ...head,
    ...(fixed.length > 0 ? [`${range} frozen`] : []),
    `${numbers(learning)} of ${numbers(weightsIn(layers))} weights learn`,
  ];
  return `learning  ${parts.join('; ')}`;
}

/** Prints the layers, then one line per epoch, on stderr; on a terminal with a live view of the curves below. */
export class TrainingDisplay {
  readonly #settings: Settings;
  /** Pictures per step of all ranks together. */
  #batchSize = 0;
  #decoding: ProgressBar | undefined;
  #features: ProgressBar | undefined;
  #block: LiveBlock | undefined;
  #state: TrainingState;
  #best: Metrics;
  /** Pictures and seconds of the current epoch. */
  #pictures = 0;
  #seconds = 0;
  /** Steps of this session, and when the first one began. */
  #steps = 0;
  #started = 0;

  /** @param best the best epoch before a training is resumed. */
  constructor(settings: Settings, best?: { epoch: number; metrics: Metrics }) {
    this.#settings = settings;
    const curve = () => ({ now: undefined, values: [] });
    this.#best = best?.metrics ?? {};
    this.#state = {
      epoch: 0,
      epochs: settings.epochs,
      batch: 0,
      stepsPerEpoch: 0,
      step: 0,
      loss: curve(),
      accuracy: curve(),
      validationLoss: curve(),
      validationAccuracy: curve(),
      best: best && { epoch: best.epoch, validationAccuracy: best.metrics.validationAccuracy ?? 0 },
    };
  }

  stop(): void {
    this.#decoding?.stop();
    this.#decoding = undefined;
    this.#endFeatures();
    this.#block?.stop();
    this.#block = undefined;
  }

  #endFeatures(): void {
    this.#features?.stop();
    this.#features = undefined;
  }

  /** Prints a line that stays, above the live view. */
  print(text: string): void {
    if (this.#block) this.#block.print(text);
    else console.error(text);
  }

  /** Something that the user should know, though training continues. */
  notice(message: string): void {
    this.print(noticeText(message));
  }

  readonly events: TrainingEvents = {
    notice: (message) => this.notice(message),
    decoding: (done, total) => {
      this.#decoding ??= progressBar('Decoding', total);
      this.#decoding.update(done);
      if (done === total) this.stop();
    },
    features: (done, total) => {
      this.#features ??= progressBar('Features', total);
      this.#features.update(done);
      if (done === total) this.#endFeatures();
    },
    head: ({ C, highestC, seconds, heldOut }) => {
      const accuracy = heldOut && `, cross-validated accuracy ${figure(heldOut.accuracy)}`;
      const strength = `C ${C.toPrecision(2)}${highestC === undefined ? '' : ` to ${highestC.toPrecision(2)}`}`;
      this.print(
        `Logistic regression on the features: ${strength}${accuracy ?? ''}, ${seconds.toFixed(1)} s`,
      );
    },
    started: ({
      model,
      dataset,
      split,
      stepsPerEpoch,
      batchSize,
      position,
      trainsHead,
      change,
      learning,
    }) => {
      this.#batchSize = batchSize;
      const { width, height, channels } = model.description;
      console.error(`pictures  ${height} x ${width} x ${channels}`);
      for (const line of describeLayers(model)) console.error(line);
      const head = change ? describeHead(change, dataset.classes) : [];
      if (change || model.frozen.size > 0) console.error(describeLearning(model, head, learning));
      console.error(describeClasses(dataset.classes));
      console.error(`${split.train.length} pictures to train on, ${split.validation.length} for validation`);
      if (position.step > 0) console.error(`Resuming after epoch ${position.epoch}, step ${position.step}`);
      this.#started = performance.now();
      const { epoch, batch, step } = position;
      Object.assign(this.#state, { epoch, batch, step, stepsPerEpoch });
      // While a head is trained, a progress bar is shown.
      if (!trainsHead) this.#openBlock();
    },
    step: (position, result, rate) => {
      this.#pictures += this.#batchSize;
      this.#seconds += this.#batchSize / rate;
      this.#steps++;
      if (!this.#block) return;
      this.#addStep(position, result);
      this.#draw();
    },
    epoch: (epoch, metrics) => {
      const speed = this.#seconds > 0 ? `  ${(this.#pictures / this.#seconds).toFixed(0)} img/s` : '';
      this.#pictures = 0;
      this.#seconds = 0;
      this.#addEpoch(epoch, metrics);
      if (epoch === 0) return this.#afterHead(metrics);
      this.print(`epoch ${epoch}/${this.#settings.epochs}  ${describeMetrics(metrics)}${speed}`);
    },
  };

  #openBlock(): void {
    if (canRedraw()) this.#block = liveBlock(process.stderr);
    this.#draw();
  }

  #afterHead(metrics: Metrics): void {
    this.print(`${metrics.loss === undefined ? 'start' : 'head'}  ${describeMetrics(metrics)}`);
    this.#started = performance.now();
    if (this.#settings.fineTune > 0) this.#openBlock();
  }

  #addStep({ epoch, step, batch, lossSum, correct }: Position, result: BatchResult): void {
    const batchSize = this.#batchSize;
    const state = this.#state;
    Object.assign(state, {
      epoch,
      step,
      batch,
      rate: this.#pictures / this.#seconds,
      secondsPerStep: (performance.now() - this.#started) / 1000 / this.#steps,
    });
    state.loss.values.push(result.loss);
    state.accuracy.values.push(result.correct / batchSize);
    state.loss.now = lossSum / batch;
    state.accuracy.now = correct / (batch * batchSize);
  }

  #addEpoch(epoch: number, metrics: Metrics): void {
    const { validationLoss, validationAccuracy } = metrics;
    if (validationLoss === undefined || validationAccuracy === undefined) return;
    for (const [curve, value] of [
      [this.#state.validationLoss, validationLoss],
      [this.#state.validationAccuracy, validationAccuracy],
    ] as const) {
      curve.values.push(value);
      curve.now = value;
    }
    if (compareMetrics(metrics, this.#best) >= 0) return;
    this.#best = metrics;
    this.#state.best = { epoch, validationAccuracy } satisfies Best;
  }

  #draw(): void {
    this.#block?.draw((size) => trainingView(this.#state, size, !process.env.NO_COLOR));
  }
}
