import { UserError } from '../errors.ts';
import { finite, list, object, oneOf, string, whole } from '../json.ts';
import type { LayerSummary } from '../model_tools/index.ts';
import type { Network } from './format.ts';

/** Under which name a format's own metadata hold it. */
export const aboutKey = 'bat-sup';

/** What travels with a network in every format's metadata, so that it can be used, and be imported again. */
export interface About {
  format: 'bat-sup network';
  version: 1;
  /** In the order of the logits. */
  classes: string[];
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  preprocessing: Network['preprocessing'];
  /** softmax(logits / temperature) are the calibrated probabilities. */
  temperature: number;
  /** For formats that hold weights alone. */
  layers?: LayerSummary[];
}

export function about({ model, preprocessing, temperature }: Network): About {
  const { classes, width, height, channels } = model;
  return {
    format: 'bat-sup network',
    version: 1,
    classes,
    width,
    height,
    channels,
    preprocessing,
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

function isAbout(value: About): boolean {
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
export function readAbout(text: unknown, source: string): About | undefined {
  if (text === undefined || text === null) return undefined;
  try {
    const value = typeof text === 'string' ? JSON.parse(text) : text;
    if (isAbout(value)) return value;
  } catch {
    // Told below.
  }
  throw new UserError(`${source} is damaged: bat-sup's metadata in it cannot be read; export it anew.`);
}
