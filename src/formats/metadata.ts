import { UserError } from '../errors.ts';
import type { LayerSummary } from '../layers/index.ts';
import { finite, list, object, oneOf, string, whole } from '../text/json.ts';
import type { Network } from './format.ts';

/** Under which name a format's own metadata hold it. */
export const metadataKey = 'bat-sup';

/** What travels with a network in every format's metadata, so that it can be used, and be imported again. */
export interface Metadata {
  format: 'bat-sup network';
  version: 1;
  /** In the order of the logits. */
  classes: string[];
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  /** What the layers read: pixels of 0..255 times the scale, in this order. */
  preprocessing: Network['preprocessing'];
  /** What this file takes, which may do some of that itself. */
  input: Input;
  /** softmax(logits / temperature) are the calibrated probabilities. */
  temperature: number;
  /** For formats that hold weights alone. */
  layers?: LayerSummary[];
}

/** How a picture becomes what an exported file takes. */
export interface Input {
  /** The same for people, e.g. 'RGB pixels, 0..255, scaled inside; 100 x 100, fit fill, lanczos3'. */
  description: string;
  /** Whether it multiplies pixels by the scale itself. */
  scaledInside: boolean;
  /** The lowest and the highest that a value can be. */
  range: [number, number];
  order: 'RGB' | 'BGR' | 'grey';
  /** How pictures are brought to the size: here, and so in training and prediction. */
  resize: { fit: Network['preprocessing']['fit']; filter: string; background: string };
}

/** How pictures are resized here, smaller and larger. */
const resampling = { filter: 'lanczos3', background: 'white' };

/** How a file takes pictures, as far as formats and options differ in it. */
export interface InputOptions {
  scaledInside: boolean;
  /** Of a colour picture; default RGB. */
  order?: 'RGB' | 'BGR';
}

function inputOf({ model, preprocessing }: Network, { scaledInside, order = 'RGB' }: InputOptions): Input {
  const { width, height, channels } = model;
  const { fit, scale } = preprocessing;
  const colours = channels === 3 ? order : 'grey';
  const values = scaledInside ? '0..255, scaled inside' : `0..255, times ${scale}`;
  return {
    description: `${colours} pixels, ${values}; ${width} x ${height}, fit ${fit}, ${resampling.filter}`,
    scaledInside,
    range: [0, 255 * (scaledInside ? 1 : scale)],
    order: colours,
    resize: { fit, ...resampling },
  };
}

export function metadataOf(network: Network, options: InputOptions): Metadata {
  const { model, preprocessing, temperature } = network;
  const { classes, width, height, channels } = model;
  return {
    format: 'bat-sup network',
    version: 1,
    classes,
    width,
    height,
    channels,
    preprocessing,
    input: inputOf(network, options),
    temperature,
  };
}

const shape = object({
  format: oneOf('bat-sup network'),
  version: oneOf(1),
  classes: list(string),
  width: whole(1),
  height: whole(1),
  channels: oneOf(1, 3),
  preprocessing: object({
    fit: oneOf('fill', 'cover', 'contain'),
    scale: finite,
    order: oneOf(undefined, 'rgb', 'bgr'),
  }),
  temperature: finite,
});

function isMetadata(value: Metadata): boolean {
  return (
    shape(value) === undefined &&
    new Set(value.classes).size === value.classes.length &&
    value.preprocessing.scale !== 0 &&
    value.temperature > 0
  );
}

/**
 * What a file's metadata say, if bat-sup wrote them.
 * @param text JSON, or what it was parsed to.
 * @throws {UserError} where they are damaged.
 */
export function readMetadata(text: unknown, source: string): Metadata | undefined {
  if (text === undefined || text === null) return undefined;
  try {
    const value = typeof text === 'string' ? JSON.parse(text) : text;
    if (isMetadata(value)) return value;
  } catch {
    // Told below.
  }
  throw new UserError(`${source} is damaged: bat-sup's metadata in it cannot be read; export it anew.`);
}
