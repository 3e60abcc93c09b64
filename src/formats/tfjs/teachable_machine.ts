import { join } from 'node:path';
import { parseObject } from '../../text/json.ts';
import { readBounded } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';

/**
 * What Teachable Machine writes beside a model of pictures, as metadata.json (github.com/googlecreativelab/
 * teachablemachine-community, libraries/image).
 */
interface Machine {
  labels: string[];
}

const maxBytes = 2 ** 20;

/** Its pictures are cut to a square, divided by 127, and 1 is subtracted. */
const preprocessing = { scale: 1 / 127, mean: [1] };

/** What Teachable Machine says about the model in a folder; undefined where the model is another's. */
export async function teachableMachine(folder: string): Promise<Machine | undefined> {
  const text = await readBounded(join(folder, 'metadata.json'), maxBytes).catch(() => '');
  const { packageName, labels } = parseObject(String(text)) ?? {};
  if (packageName !== '@teachablemachine/image' || !Array.isArray(labels)) return undefined;
  return { labels: labels.map(String) };
}

/** How its pictures are scaled, unless the user says otherwise. */
export function withMachine(hints: ImportHints, machine: Machine | undefined): ImportHints {
  const isGiven = [hints.scale, hints.mean, hints.deviation].some((one) => one !== undefined);
  return machine && !isGiven ? { ...hints, ...preprocessing } : hints;
}

/** The network with the names of its classes; they are left as they are where they would not be one for each. */
export function namedByMachine(network: Network, machine: Machine | undefined): Network {
  if (!machine) return network;
  const { labels } = machine;
  const fits = labels.length === network.model.classes.length && new Set(labels).size === labels.length;
  return {
    ...network,
    model: { ...network.model, ...(fits && { classes: labels }) },
    preprocessing: { ...network.preprocessing, fit: 'cover' },
    assumed: network.assumed?.filter((what) => what !== 'order') ?? [],
  };
}
