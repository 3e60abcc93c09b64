import { UserError } from '../errors.ts';
import { type Layer, type LayerSummary, nextName, planLayer } from '../layers/layer.ts';
import { fittingOf, type Normalisation } from '../models/preprocessing.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { NamedTensor, Tensor } from '../tensors/tensors.ts';
import { defaultSize, type ImportHints, type Network } from './format.ts';
import type { Metadata } from './metadata.ts';
import { type InputScale, PixelScaling } from './pixel_scaling.ts';
import type { LayerTarget, Value } from './value.ts';

export type { Value } from './value.ts';

/** Numbers in one picture's maps. */
const maxNumbers = 2 ** 28;

/** More than any picture classifier has, and few enough that a hostile file cannot keep the machine busy. */
const maxLayers = 1000;

/**
 * A network of bat-sup's layers, built while the file of another library is read.
 * Every method refuses what bat-sup has no layer for, naming `where` in the file it is.
 */
export class NetworkBuilder implements LayerTarget {
  readonly #source: string;
  readonly #layers: LayerSummary[] = [];
  readonly #weights = new Map<string, NamedTensor>();
  readonly #hints: Partial<ImportHints>;
  /** How the network scales and shifts its pixels. */
  readonly scaling = new PixelScaling(this, this.#weights);
  #isSizeAssumed = false;

  /** @param source the file, for messages. */
  constructor(source: string, hints: Partial<ImportHints> = {}) {
    this.#source = source;
    this.#hints = hints;
  }

  fail(where: string, reason: string): never {
    throw new UserError(`${this.#source} cannot be imported: ${where} ${reason}.`);
  }

  /**
   * The pictures [height, width, channels]; the hints give a height or width that the file leaves open.
   * @param usual where the hints do not.
   */
  pictures(where: string, lengths: (number | null | undefined)[], usual = defaultSize): Value {
    const { height = usual.height, width = usual.width } = this.#hints;
    const isOpen = (length: unknown, axis: number) => axis < 2 && (length ?? -1) === -1;
    const shape = lengths.map(
      (length, axis) => (isOpen(length, axis) ? [height, width][axis] : length) as number,
    );
    this.#isSizeAssumed = lengths.some(isOpen);
    const isPicture = shape.length === 3 && shape.every((length) => Number.isInteger(length) && length > 0);
    if (!isPicture || ![1, 3].includes(shape[2] as number))
      this.fail(
        where,
        `has the input shape [${shape}]; bat-sup needs a height, a width and 1 or 3 channels of a fixed size`,
      );
    if (sizeOf(shape) > maxNumbers)
      this.fail(where, `has the input shape [${shape}], larger than any picture that bat-sup reads`);
    return { layer: undefined, shape };
  }

  /**
   * Adds a layer with its tensors, by the names of its variables and state.
   * @param where in the file it is, for messages.
   * @throws {UserError} where the shapes do not fit.
   */
  add<A extends object>(
    layer: Layer<A>,
    inputs: Value[],
    attributes: A,
    tensors: Record<string, Tensor | undefined>,
    where: string,
  ): Value {
    this.#checkInputs(layer, inputs, where);
    const placed = {
      name: nextName(layer, attributes, this.#layers),
      inputs: inputs.flatMap(({ layer: name }) => name ?? []),
      inputShapes: inputs.map(({ shape }) => shape),
      attributes,
    };
    const { summary, plan } = planLayer(layer, placed, (reason) => this.fail(where, reason));
    const { name, outputShape } = summary;
    if (sizeOf(outputShape) > maxNumbers)
      this.fail(where, `has an output of shape [${outputShape}], larger than bat-sup computes`);
    if (this.#layers.some((other) => other.name === name))
      this.fail(where, `is a second ${name} layer; bat-sup's networks have at most one`);
    for (const variable of [...(plan.variables ?? []), ...(plan.state ?? [])])
      this.#keep(`${name}/${variable.name}`, variable.shape, tensors[variable.name], where);
    this.#layers.push(summary);
    this.scaling.setRead(inputs);
    const [{ chwOf, asMaps }] = inputs as [Value];
    return {
      layer: name,
      shape: outputShape,
      ...(layer.isElementwise && chwOf && { chwOf }),
      ...(layer.isElementwise && asMaps && outputShape.length === 1 && { asMaps }),
      isNonNegative:
        layer.isNonNegative?.(attributes) ??
        (layer.keepsNonNegative === true && inputs.every((input) => input.isNonNegative)),
    };
  }

  /**
   * Gives a layer without weights other attributes, as long as nothing has read it.
   * @returns its output; undefined where something has read it.
   */
  revise<A extends object>(value: Value, layer: Layer<A>, attributes: A, where: string): Value | undefined {
    const index = this.#layers.findIndex(({ name }) => name === value.layer);
    const { name, inputs, inputShape } = this.#layers[index] as LayerSummary;
    if (this.#layers.some((other) => other.inputs.includes(name))) return undefined;
    const placed = { name, inputs, inputShapes: [inputShape], attributes };
    const { summary } = planLayer(layer, placed, (reason) => this.fail(where, reason));
    this.#layers[index] = summary;
    return { ...value, shape: summary.outputShape };
  }

  /** The kind of the layer that gives a value; undefined: the pictures. */
  kindOf(value: Value): string | undefined {
    return this.#layers.find(({ name }) => name === value.layer)?.kind;
  }

  #checkInputs(layer: Layer, inputs: Value[], where: string): void {
    this.scaling.checkCurrent(inputs, where);
    const shapes = new Map(this.#layers.map(({ name, outputShape }) => [name, String(outputShape)]));
    for (const { layer: name = '', shape } of inputs) {
      const own = shapes.get(name) ?? String(shape);
      if (own !== String(shape))
        this.fail(where, `reads [${shape}], which the file also has as [${own}]; bat-sup supports only one`);
    }
    if (inputs.some(({ isSoftmax }) => isSoftmax))
      this.fail(where, 'reads the output of a softmax; bat-sup supports a softmax only at the end');
    if (this.#layers.length >= maxLayers)
      this.fail(where, `is one layer too many; bat-sup imports at most ${maxLayers}`);
    const orders = new Set(inputs.map(({ chwOf }) => String(chwOf)));
    const isInOrder = layer.isElementwise ? orders.size === 1 : orders.has('undefined');
    if (!isInOrder || orders.size > 1)
      this.fail(
        where,
        'reads maps that were flattened channel by channel, which only a fully connected layer can',
      );
  }

  #keep(name: string, shape: number[], tensor: Tensor | undefined, where: string): void {
    const values = tensor?.values ?? this.fail(where, `has no ${name.split('/').at(-1)}`);
    if (values.length !== sizeOf(shape))
      this.fail(where, `has ${values.length} values for ${name.split('/').at(-1)} of shape [${shape}]`);
    this.#weights.set(name, { name, shape, values });
  }

  /** The pictures with their channels in the other order: a file that takes RGB has layers that read BGR. */
  reverseChannels(input: Value, where: string): Value {
    return this.scaling.reverse(input, where);
  }

  /** The order of the channels that the layers read, where it is not the usual one or the file or the user states it. */
  #orderOf(input: InputScale, channels: number): Pick<Normalisation, 'order'> {
    const { order = input.order } = this.#hints;
    if (channels === 1) return order ? { order: 'rgb' } : {};
    if (!this.scaling.isReversed) return order ? { order } : {};
    return { order: order === 'bgr' ? 'rgb' : 'bgr' };
  }

  /** Marks the softmax of the logits, which bat-sup computes outside of the network. */
  softmax(input: Value): Value {
    return { ...input, isSoftmax: true };
  }

  /**
   * The finished network, which ends in `output`.
   * @param metadata bat-sup's own, where the file has them.
   * @throws {UserError} where it does not end in one value per class, or contradicts the metadata.
   */
  finish(pictures: Value, output: Value, metadata: Metadata | undefined, input: InputScale = {}): Network {
    const where = output.layer ?? 'the network';
    const { features = false } = this.#hints;
    const ends = output.shape.length === 1 || (features && output.shape.length === 3);
    if (this.#layers.at(-1)?.name !== output.layer || !ends)
      this.fail(
        where,
        `has an output of shape [${output.shape}]; a picture classifier ends in one value per class`,
      );
    const [height, width, channels] = pictures.shape as [number, number, 1 | 3];
    const isWithoutClasses = features && (output.shape.length > 1 || output.shape[0] === 1);
    const outputs = isWithoutClasses ? 0 : (output.shape[0] as number);
    if (metadata && metadata.channels !== channels)
      this.fail(where, `has pictures of ${channels} channels, but its metadata are for ${metadata.channels}`);
    if (outputs < 2 && !isWithoutClasses)
      this.fail(where, 'has one output; bat-sup needs one for each of two or more classes');
    if (metadata && metadata.classes.length !== outputs)
      this.fail(where, `has ${outputs} outputs, but its metadata name ${metadata.classes.length} classes`);
    const classes = metadata?.classes ?? Array.from({ length: outputs }, (_, index) => `class${index + 1}`);
    const { isAssumed, ...normalisation } = this.scaling.normalisationOf(
      metadata,
      input,
      this.#hints,
      channels,
    );
    const { fit, ...resampling } = fittingOf(metadata?.preprocessing ?? { fit: 'fill' });
    const assumed = {
      size: this.#isSizeAssumed,
      scale: isAssumed,
      // What reverses the channels itself takes them in the usual order.
      order: channels === 3 && metadata === undefined && !this.scaling.isReversed,
    };
    return {
      model: {
        ...{ architecture: 'layers', width, height, channels, classes, layers: this.#layers },
        ...(metadata?.isMultiLabel && { isMultiLabel: true }),
      },
      preprocessing: { fit, ...normalisation, ...this.#orderOf(input, channels), ...resampling },
      layers: this.#layers,
      weights: this.#weights,
      temperature: metadata?.temperature ?? 1,
      ...(metadata?.thresholds && { thresholds: metadata.thresholds }),
      assumed: (['size', 'scale', 'order'] as const).filter((what) => assumed[what]),
    };
  }
}
