import { UserError } from '../errors.ts';
import { type LayerSummary, variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { planLayers } from '../models/plan.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { type Head, headOf, linearHead, type Weighted, withLinearHead, without } from './head.ts';

/** A trained network to start from. */
export interface Start {
  /** With its layers. */
  description: ModelDescription;
  /** By variable name. */
  weights: ReadonlyMap<string, Float32Array>;
  preprocessing: Preprocessing;
}

/** What became of a network's classes. */
export interface ClassChange {
  /** Indices, among the classes wanted, of those that the network knew already: their rows of the head are kept. */
  known: number[];
  /** Indices of those that it did not. */
  added: number[];
  /** How many classes it no longer has. */
  removed: number;
  /** The layers of its head that were cut off, where it knew none of the classes. */
  cut: string[];
  /** Whether the logits are a linear function of the features, so that a head can be fitted to them. */
  isLinear: boolean;
}

type Sizes = Pick<ModelDescription, 'width' | 'height' | 'channels' | 'classes' | 'isMultiLabel'>;

/** A network for other classes and pictures of another size. */
export interface Changed {
  description: ModelDescription & { layers: LayerSummary[] };
  /** Of the layers that are kept. */
  weights: Map<string, Float32Array>;
  change: ClassChange;
}

/** @throws {UserError} where a layer would have weights of another shape, or none, for pictures of this size. */
function planFor(layers: LayerSummary[], { width, height }: ModelDescription, sizes: Sizes): LayerSummary[] {
  const isSame = width === sizes.width && height === sizes.height;
  const fail = (why: string): never => {
    throw new UserError(
      `The network to start from is for pictures of ${width} x ${height}, and ${why}; ` +
        `use --width ${width} --height ${height}.`,
    );
  };
  let planned: LayerSummary[];
  try {
    planned = planLayers(layers, sizes).layers;
  } catch (error) {
    if (isSame || !(error instanceof UserError)) throw error;
    return fail(error.message.replace(/\.$/, ` with ${sizes.width} x ${sizes.height}`));
  }
  const shapes = (layer: LayerSummary | undefined) => JSON.stringify(layer && variablesOf(layer));
  // Layers without variables are those of a new head.
  const other = layers.find(
    (layer, index) => layer.variables.length > 0 && shapes(layer) !== shapes(planned[index]),
  );
  if (other) fail(`the weights of ${other.name} fit no other size`);
  return planned;
}

/** The columns of a matrix [rows, columns] that are listed; -1: the mean of those that are listed. */
function columnsOf(values: Float32Array, columns: number, wanted: number[]): Float32Array {
  const rows = values.length / columns;
  const kept = wanted.filter((column) => column >= 0);
  const result = new Float32Array(rows * wanted.length);
  for (let row = 0; row < rows; row++) {
    const at = (column: number) => values[row * columns + column] as number;
    const mean = kept.reduce((sum, column) => sum + at(column), 0) / kept.length;
    for (const [index, column] of wanted.entries())
      result[row * wanted.length + index] = column < 0 ? mean : at(column);
  }
  return result;
}

/**
 * The head with the rows of the classes that are wanted, in their order. One that the network does not know gets the mean of
 * those that it does, so that it is neither likely nor unlikely at first.
 */
function headFor(
  { layers, weights }: Weighted,
  { classifier, layers: ofHead }: Head,
  rows: number[],
): { layers: LayerSummary[]; weights: Map<string, Float32Array> } {
  const before = classifier.outputShape.at(-1) as number;
  const size = classifier.kind === 'conv' ? 'outputChannels' : 'outputs';
  const changed = {
    ...classifier,
    variables: [],
    attributes: { ...classifier.attributes, [size]: rows.length },
  };
  const kept = without(weights, ofHead);
  for (const { name } of variablesOf(classifier))
    kept.set(name, columnsOf(weights.get(name) as Float32Array, before, rows));
  return { layers: layers.map((layer) => (layer === classifier ? changed : layer)), weights: kept };
}

const channelsText = ({ channels }: ModelDescription) => (channels === 1 ? 'grey' : 'colour');

/** The index of each wanted class among those that the network knows; -1 for new ones. */
function rowsOf(description: ModelDescription, wanted: string[]): number[] {
  return wanted.map((name) => description.classes.indexOf(name));
}

/** A new head, untrained, in place of the old one, or behind the features that the network ends in. */
function withoutHead({ layers, weights }: Weighted, head: Head | undefined, outputs: number): Weighted {
  if (head?.classifier.kind === 'fullyConnected' && head.isLinear && head.layers.length === 1) {
    const fresh = {
      ...head.classifier,
      variables: [],
      attributes: { ...head.classifier.attributes, outputs },
    };
    return { layers: [...layers.slice(0, -1), fresh], weights: without(weights, head.layers) };
  }
  const body = head ? layers.slice(0, -head.layers.length) : layers;
  const read = head?.classifier.inputs[0];
  const features = read === undefined ? body.at(-1) : body.find(({ name }) => name === read);
  if (!features) throw new UserError('The network to start from has no layer before its head.');
  return {
    layers: [...body, ...linearHead(body, features, outputs)],
    weights: without(weights, head?.layers ?? []),
  };
}

/**
 * Makes a network classify other classes. The rows of its head that compute the logits of classes that it knows, by name, are
 * kept; where it knows none, its head is cut off and an untrained one put in its place.
 * @param sizes the pictures and classes that are wanted.
 * @throws {UserError} where the layers do not fit the size or the channels of the pictures.
 */
export function withClasses({ description, weights }: Start, sizes: Sizes): Changed {
  if (description.channels !== sizes.channels)
    throw new UserError(
      `The network to start from reads ${channelsText(description)} pictures; channels must be ${description.channels}.`,
    );
  const { architecture, layers = [] } = description;
  const { width, height, channels, classes, isMultiLabel } = sizes;
  const linear = withLinearHead({ layers: plannedAgain(layers, description), weights });
  const start = { ...linear, layers: plannedAgain(linear.layers, description) };
  const head = headOf(start.layers);
  // The rows of a head whose classes exclude each other say nothing about classes that do not, nor the other way round.
  const isSameKind = description.isMultiLabel === isMultiLabel;
  const rows = isSameKind ? rowsOf(description, classes) : classes.map(() => -1);
  const known = [...rows.keys()].filter((index) => (rows[index] as number) >= 0);
  const isKept = head !== undefined && known.length > 0;
  const changed = isKept ? headFor(start, head, rows) : withoutHead(start, head, classes.length);
  // The rows that are kept have the shape that they have at the network's own size.
  const planned = isKept ? plannedAgain(changed.layers, description) : changed.layers;
  return {
    description: {
      ...{ architecture, width, height, channels, classes },
      ...(isMultiLabel && { isMultiLabel }),
      layers: planFor(planned, description, sizes),
    },
    weights: new Map(changed.weights),
    change: {
      known: isKept ? known : [],
      added: [...rows.keys()].filter((index) => !isKept || (rows[index] as number) < 0),
      removed: description.classes.length - (isKept ? known.length : 0),
      cut: isKept ? [] : (headOf(layers)?.layers.map(({ name }) => name) ?? []),
      isLinear: !isKept || head.isLinear,
    },
  };
}

/** Layers with the shapes for the pictures of a network: those of a new head have none yet. */
function plannedAgain(layers: LayerSummary[], description: ModelDescription): LayerSummary[] {
  return planLayers(layers, description).layers;
}
