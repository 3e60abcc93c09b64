import { UserError } from '../errors.ts';
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

const isSize = (value: unknown) => Number.isInteger(value) && (value as number) > 0;

function isAbout(value: About): boolean {
  const { fit, scale, order } = value.preprocessing;
  return (
    value.version === 1 &&
    Array.isArray(value.classes) &&
    value.classes.every((name) => typeof name === 'string') &&
    new Set(value.classes).size === value.classes.length &&
    [value.width, value.height].every(isSize) &&
    [1, 3].includes(value.channels) &&
    ['fill', 'cover', 'contain'].includes(fit) &&
    Number.isFinite(scale) &&
    scale !== 0 &&
    [undefined, 'rgb', 'bgr'].includes(order) &&
    Number.isFinite(value.temperature) &&
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
    if (value.format === 'bat-sup network' && isAbout(value)) return value;
  } catch {
    // Told below.
  }
  throw new UserError(`${source} is damaged: bat-sup's metadata in it cannot be read; export it anew.`);
}
