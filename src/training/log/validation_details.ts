import type { Batch } from '../../dataset/batches.ts';
import { nameOf, type Picture } from '../../dataset/scan.ts';
import { confusionMatrix } from '../../evaluation/confusion.ts';
import { argmax, softmax } from '../../evaluation/softmax.ts';
import type { Model } from '../../models/model.ts';
import {
  drawConfusionMatrix,
  type EventWriter,
  encodePicture,
  imageSummary,
  markdownTable,
  maxPoints,
  prCurveSummary,
  textSummary,
  thumbnails,
  writeEmbedding,
} from '../../tensorboard/index.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { EvaluationWatch } from '../step.ts';

/** The mistakes with the highest probability are shown. */
const maxMistakes = 12;
/** With more classes, the table and the curves would be too much to read. */
const maxTableClasses = 20;
const maxCurveClasses = 50;

interface Mistake {
  picture: Picture;
  predicted: number;
  probability: number;
  pixels: Uint8Array;
}

/** Collects the predictions of one validation, batch by batch, and logs where the network is right and wrong. */
export class ValidationDetails implements EvaluationWatch {
  readonly #model: Model;
  readonly #pictures: Picture[];
  readonly #featureLayer: string;
  readonly #withThumbnails: boolean;
  readonly #probabilities: Float64Array[] = [];
  readonly #features: Float32Array[] = [];
  readonly #thumbnails: Promise<Buffer>[] = [];
  #mistakes: Mistake[] = [];

  /**
   * @param pictures of the validation, in the order of the batches.
   * @param withThumbnails whether to write the projector's thumbnails; once per run is enough, they do not change.
   */
  constructor(model: Model, pictures: Picture[], withThumbnails: boolean) {
    this.#model = model;
    this.#pictures = pictures;
    this.#withThumbnails = withThumbnails;
    // The features that the last layer classifies.
    this.#featureLayer = model.layers.at(-2)?.name ?? '';
  }

  readonly layer: EvaluationWatch['layer'] = (name, output) => {
    if (name === this.#featureLayer && this.#probabilities.length < maxPoints)
      this.#features.push(output.dataSync().slice() as Float32Array);
    return undefined;
  };

  batch({ pixels, labels }: Batch, logits: Float32Array): void {
    const classes = this.#model.description.classes.length;
    const pictureBytes = pixels.length / labels.length;
    if (this.#withThumbnails && this.#probabilities.length < maxPoints)
      this.#thumbnails.push(thumbnails(pixels, labels.length, this.#model.description));
    for (const [row, label] of labels.entries()) {
      const probabilities = softmax(logits.subarray(row * classes, (row + 1) * classes));
      const predicted = argmax(probabilities);
      const picture = this.#pictures[this.#probabilities.length] as Picture;
      this.#probabilities.push(probabilities);
      if (predicted === label) continue;
      const probability = probabilities[predicted] as number;
      const shown = pixels.subarray(row * pictureBytes, (row + 1) * pictureBytes);
      this.#mistakes.push({ picture, predicted, probability, pixels: shown });
    }
    this.#mistakes.sort((a, b) => b.probability - a.probability);
    this.#mistakes = this.#mistakes.slice(0, maxMistakes);
  }

  /** Writes numbers and texts. @returns what remains to be done: drawings and the projector's files. */
  write(writer: EventWriter, run: string, step: number): () => Promise<void> {
    const { classes } = this.#model.description;
    const labels = this.#pictures.map(({ label }) => label);
    const matrix = confusionMatrix(labels, this.#predictions(), classes.length);
    this.#writeCurves(writer, step);
    if (classes.length <= maxTableClasses) {
      // Not under the tag of the image: TensorBoard has one kind of value per tag.
      const rows = matrix.map((row, label) => [classes[label] as string, ...row]);
      const table = markdownTable(['true \\ predicted', ...classes], rows);
      writer.summary(step, textSummary('confusion_matrix/table', table));
    }
    writer.summary(step, textSummary('misclassified', this.#mistakesTable()));
    return async () => {
      writer.summary(step, imageSummary('confusion_matrix', await drawConfusionMatrix(matrix, classes)));
      await this.#writeMistakes(writer, step);
      await this.#writeEmbedding(run);
    };
  }

  #predictions(): number[] {
    return this.#probabilities.map(argmax);
  }

  #writeCurves(writer: EventWriter, step: number): void {
    const { classes } = this.#model.description;
    for (const [label, name] of classes.slice(0, maxCurveClasses).entries()) {
      const ofClass = this.#probabilities.map((probabilities) => probabilities[label] as number);
      const isPositive = this.#probabilities.map((_, index) => this.#pictures[index]?.label === label);
      writer.summary(step, prCurveSummary(`pr_curve/${name}`, ofClass, isPositive));
    }
  }

  #mistakesTable(): string {
    const { classes } = this.#model.description;
    if (this.#mistakes.length === 0) return 'None: every validation picture was classified correctly.';
    const rows = this.#mistakes.map(({ picture, predicted, probability }) => [
      nameOf(picture),
      classes[picture.label] as string,
      classes[predicted] as string,
      probability.toFixed(4),
    ]);
    return markdownTable(['picture', 'true', 'predicted', 'probability'], rows);
  }

  /** One tag for each kind of mistake, e.g. 'misclassified/food taken for animals'. */
  async #writeMistakes(writer: EventWriter, step: number): Promise<void> {
    const { classes, width, height } = this.#model.description;
    const groups = new Map<string, Mistake[]>();
    for (const mistake of this.#mistakes) {
      const tag = `misclassified/${classes[mistake.picture.label]} taken for ${classes[mistake.predicted]}`;
      groups.set(tag, [...(groups.get(tag) ?? []), mistake]);
    }
    for (const [tag, mistakes] of groups) {
      const encoded = mistakes.map(({ pixels }) => encodePicture(pixels, this.#model.description));
      const files = await Promise.all(encoded);
      writer.summary(step, imageSummary(tag, { width, height, files }));
    }
  }

  async #writeEmbedding(run: string): Promise<void> {
    const { classes, channels } = this.#model.description;
    const points = Math.min(this.#probabilities.length, maxPoints);
    const vectors = Buffer.concat(this.#features.map(({ buffer }) => new Uint8Array(buffer)));
    const values = new Float32Array(vectors.buffer, vectors.byteOffset, vectors.length / 4);
    const dimensions = sizeOf(this.#model.layers.at(-2)?.outputShape ?? [0]);
    const shown = this.#pictures.slice(0, points);
    const predictions = this.#predictions().slice(0, points);
    await writeEmbedding(run, {
      name: this.#featureLayer,
      vectors: values.subarray(0, points * dimensions),
      dimensions,
      columns: {
        picture: shown.map(nameOf),
        class: shown.map(({ label }) => classes[label] as string),
        predicted: predictions.map((label) => classes[label] as string),
        right: predictions.map((predicted, index) => (predicted === shown[index]?.label ? 'yes' : 'no')),
      },
      channels,
      ...(this.#withThumbnails && { pictures: Buffer.concat(await Promise.all(this.#thumbnails)) }),
    });
  }
}
