import { UserError } from '../errors.ts';
import { type LayerSummary, variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { planLayers } from '../models/plan.ts';
import type { Preprocessing } from '../models/preprocessing.ts';

/** A trained network to start from. */
export interface Start {
  /** With its layers. */
  description: ModelDescription;
  /** By variable name. */
  weights: ReadonlyMap<string, Float32Array>;
  preprocessing: Preprocessing;
}

const isHead = ({ kind }: LayerSummary) => kind === 'fullyConnected';

/** The layers of a network whose last layer has an output for each of these classes, for pictures of this size. */
function layersFor(
  layers: LayerSummary[],
  sizes: Pick<ModelDescription, 'width' | 'height' | 'channels' | 'classes'>,
): LayerSummary[] {
  const last = layers.at(-1) as LayerSummary;
  const head = { ...last, attributes: { ...last.attributes, outputs: sizes.classes.length } };
  return planLayers([...layers.slice(0, -1), head], sizes).layers;
}

/** @throws {UserError} where a layer before the last would have weights of another shape for pictures of this size. */
function checkSize({ layers = [], width, height }: ModelDescription, fresh: LayerSummary[]): void {
  const shapes = (layer: LayerSummary | undefined) => JSON.stringify(layer && variablesOf(layer));
  const other = layers.slice(0, -1).find((layer, index) => shapes(layer) !== shapes(fresh[index]));
  if (other)
    throw new UserError(
      `The weights of ${other.name} in the network to start from are for pictures of ${width} x ${height}; ` +
        `use --width ${width} --height ${height}.`,
    );
}

/**
 * Cuts off a network's last layer, and puts a new one with an output per class in its place.
 * @returns the network, and the weights of all layers but the last.
 * @throws {UserError} where the last layer is not fully connected, or the layers do not fit the size of the pictures.
 */
export function withNewHead(
  { description, weights }: Start,
  sizes: Pick<ModelDescription, 'width' | 'height' | 'channels' | 'classes'>,
): { description: ModelDescription & { layers: LayerSummary[] }; weights: Map<string, Float32Array> } {
  const { layers = [], architecture } = description;
  const last = layers.at(-1);
  if (!last || !isHead(last))
    throw new UserError(
      `The network to start from ends with ${last?.name ?? 'no layer'}; it must end with a fully connected layer.`,
    );
  if (description.channels !== sizes.channels)
    throw new UserError(
      `The network to start from reads ${channelsText(description)} pictures; channels must be ${description.channels}.`,
    );
  const fresh = layersFor(layers, sizes);
  checkSize(description, fresh);
  const ofHead = new Set(variablesOf(last).map(({ name }) => name));
  const kept = [...weights].filter(([name]) => !ofHead.has(name));
  const { width, height, channels, classes } = sizes;
  return {
    description: { architecture, width, height, channels, classes, layers: fresh },
    weights: new Map(kept),
  };
}

const channelsText = ({ channels }: ModelDescription) => (channels === 1 ? 'grey' : 'colour');
