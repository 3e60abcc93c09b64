import type { Batch } from '../../dataset/batches.ts';
import type { Picture } from '../../dataset/scan.ts';
import { averagePrecision, scoresByClass } from '../../evaluation/multi_label/scores.ts';
import { sigmoid } from '../../evaluation/multi_label/sigmoid.ts';
import type { Model } from '../../models/model.ts';
import { type EventWriter, prCurveSummary, scalarSummary } from '../../tensorboard/index.ts';
import type { EvaluationWatch } from '../step.ts';

/** With more classes, the curves would be too many to read. */
const maxCurveClasses = 50;

/** What {@link ValidationDetails} is for one class per picture, for pictures that can show several: curves and precisions. */
export class SetDetails implements EvaluationWatch {
  readonly #model: Model;
  readonly #pictures: Picture[];
  readonly #logits: Float32Array;
  #done = 0;

  /** @param pictures of the validation, in the order of the batches. */
  constructor(model: Model, pictures: Picture[]) {
    this.#model = model;
    this.#pictures = pictures;
    this.#logits = new Float32Array(pictures.length * model.description.classes.length);
  }

  readonly layer: EvaluationWatch['layer'] = () => undefined;

  batch(_: Batch, logits: Float32Array): void {
    this.#logits.set(logits, this.#done);
    this.#done += logits.length;
  }

  /** Writes a curve and the average precision of each class. @returns what remains to be done: nothing. */
  write(writer: EventWriter, _run: string, step: number): () => Promise<void> {
    const { classes } = this.#model.description;
    const labelSets = this.#pictures.map(({ labels }) => labels ?? []);
    const all = scoresByClass(this.#logits, labelSets, classes.length);
    for (const [label, one] of all.slice(0, maxCurveClasses).entries()) {
      const probabilities = Array.from(one.scores, sigmoid);
      const isShown = Array.from(one.shown, (shown) => shown === 1);
      writer.summary(step, prCurveSummary(`pr_curve/${classes[label]}`, probabilities, isShown));
      const value = averagePrecision(one);
      if (value !== null)
        writer.summary(step, scalarSummary({ [`average_precision/${classes[label]}`]: value }));
    }
    return async () => {};
  }
}
