import { type LayerSummary, variablesOf } from '../layers/index.ts';

/** The last layers of a network, which turn features into logits. */
export interface Head {
  /** The layer with weights for each class. */
  classifier: LayerSummary;
  /** All layers of the head, from the classifier to the logits. */
  layers: LayerSummary[];
  /** Whether the logits are an affine function of the features, or of their mean over the map. */
  isLinear: boolean;
}

/** Layers that may stand between the classifier and the logits: they leave each class by itself. */
const afterClassifier = ['activation', 'dropout', 'flatten', 'globalAveragePool'];

/** A convolution that computes each class at each point of the features: SqueezeNet's, MobileNet's in Keras. */
function isClassifyingConv({ kind, attributes, outputShape }: LayerSummary, classes: number): boolean {
  return kind === 'conv' && attributes.kernel === 1 && attributes.stride === 1 && outputShape[2] === classes;
}

/** An activation that features have, and no fully connected classifier: behind the logits there is a softmax or a sigmoid. */
const isHidden = ({ kind, attributes }: LayerSummary) =>
  kind === 'activation' && attributes.function !== 'sigmoid';

/**
 * Finds the layers that are cut where a network is to learn other classes: the fully connected layer or the 1x1
 * convolution that computes a number for each class, and what follows it.
 * @returns undefined for a network that ends in features.
 */
export function headOf(layers: LayerSummary[]): Head | undefined {
  const classes = layers.at(-1)?.outputShape.at(-1) as number;
  let at = layers.length - 1;
  while (at > 0 && afterClassifier.includes(layers[at]?.kind as string)) at--;
  const classifier = layers[at];
  if (!classifier || (classifier.kind !== 'fullyConnected' && !isClassifyingConv(classifier, classes)))
    return undefined;
  const head = layers.slice(at);
  if (classifier.kind === 'fullyConnected' && head.some(isHidden)) return undefined;
  const isChain = head.slice(1).every(({ inputs }, index) => inputs.join() === head[index]?.name);
  if (!isChain) return undefined;
  return { classifier, layers: head, isLinear: head.every(({ kind }) => kind !== 'activation') };
}

/** Values of a network's variables by name. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** A network's layers and their weights. */
export interface Weighted {
  layers: LayerSummary[];
  weights: Weights;
}

type Unplanned = Pick<LayerSummary, 'name' | 'kind' | 'inputs' | 'attributes'>;

/** A layer whose shapes and variables are planned later. */
const unplanned = (layer: Unplanned): LayerSummary => ({
  ...layer,
  inputShape: [],
  outputShape: [],
  variables: [],
});

/** A name that no layer has: the wanted one, or one with a number. */
export function freeName(wanted: string, layers: LayerSummary[]): string {
  const names = new Set(layers.map(({ name }) => name));
  let name = wanted;
  for (let number = 1; names.has(name); number++) name = `${wanted}${number}`;
  return name;
}

/**
 * The layers that turn what a layer puts out into a row of features, and a fully connected layer behind them. Their shapes are
 * not planned yet.
 */
export function linearHead(layers: LayerSummary[], features: LayerSummary, outputs: number): LayerSummary[] {
  const [height, width] = features.outputShape as [number, number];
  const isMap = features.outputShape.length === 3;
  const kind = height * width === 1 ? 'flatten' : 'globalAveragePool';
  const pooled = freeName(kind === 'flatten' ? 'flatten' : 'average', layers);
  const row = isMap ? [{ name: pooled, kind, inputs: [features.name], attributes: {} }] : [];
  const inputs = [isMap ? pooled : features.name];
  const logits = {
    name: freeName('logits', layers),
    kind: 'fullyConnected',
    inputs,
    attributes: { outputs },
  };
  return [...row, logits].map(unplanned);
}

/**
 * The same network with a fully connected layer at its end, where it ends in a 1x1 convolution whose logits are their mean over
 * the map: the mean of the features goes first, and the result is the same up to rounding. Other networks stay as they are.
 */
export function withLinearHead({ layers, weights }: Weighted): Weighted {
  const head = headOf(layers);
  if (!head?.isLinear || head.classifier.kind === 'fullyConnected') return { layers, weights };
  const { classifier } = head;
  const before = layers.slice(0, -head.layers.length);
  const features = before.find(({ name }) => name === classifier.inputs[0]);
  if (!features) return { layers, weights };
  const outputs = classifier.attributes.outputChannels as number;
  const added = linearHead(before, features, outputs);
  const { name } = added.at(-1) as LayerSummary;
  const kept = without(weights, [classifier]);
  kept.set(`${name}/weights`, weights.get(`${classifier.name}/weights`) as Float32Array);
  kept.set(`${name}/biases`, weights.get(`${classifier.name}/biases`) ?? new Float32Array(outputs));
  return { layers: [...before, ...added], weights: kept };
}

/** The weights of all layers but these. */
export function without(weights: Weights, layers: LayerSummary[]): Map<string, Float32Array> {
  const names = new Set(layers.flatMap(variablesOf).map(({ name }) => name));
  return new Map([...weights].filter(([name]) => !names.has(name)));
}
