import { stat } from 'node:fs/promises';
import { UserError } from '../errors.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { kindOf } from './files.ts';
import type { ImportHints, Network } from './format.ts';
import { formats } from './index.ts';
import { nameArchitecture } from './name_architecture.ts';

export interface ImportOptions {
  /** Name of the format, a key of `formats`; recognised by content where absent. */
  format?: string | undefined;
  /** Names of the classes, in the order of the logits. */
  classes?: string[] | undefined;
  /** How pictures become the network's input; overrides what the file says. */
  preprocessing?: Partial<Preprocessing>;
  /** Whether the network may end in features, or in one output: it has no classes then; default false. */
  features?: boolean;
  /**
   * Width and height of the pictures in pixels, where the file leaves them open; default: what is usual for the network that
   * a state_dict's names tell, otherwise 100 x 100.
   */
  size?: Pick<ImportHints, 'width' | 'height'>;
  /**
   * torchvision's or timm's name of the network, e.g. 'tf_efficientnet_lite0', where the tensors of a state_dict fit several.
   */
  name?: string | undefined;
}

/**
 * Reads a network from another program's file or folder. An engine must be running.
 * @returns the name of the format, and the network; `network.assumed` lists what the file did not say.
 * @throws {UserError} where the source is missing, of an unknown format, damaged, or has layers that bat-sup lacks.
 * @example
 * ```ts
 * import { exportNetwork, findCheckpoint, formats, importNetwork, networkOf, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const { keras } = formats;
 * await exportNetwork(await networkOf(await findCheckpoint('checkpoints')), keras, 'elsewhere.keras');
 * const { format, network } = await importNetwork('elsewhere.keras');
 * console.log(format, network.model.classes);
 * await engine.dispose();
 * ```
 */
export async function importNetwork(
  source: string,
  { format: wanted, classes, preprocessing = {}, size, name, features }: ImportOptions = {},
): Promise<{ format: string; network: Network }> {
  const found = await stat(source).catch(() => {
    throw new UserError(`"${source}" does not exist; give the path of the file or folder to import.`);
  });
  if (!found.isFile() && !found.isDirectory())
    throw new UserError(
      `${source} is ${kindOf(found)}, not a file or a folder; give the path of the file or folder to import.`,
    );
  const format = wanted ?? (await recognise(source));
  const reader = formats[format]?.import;
  if (!reader) throw new UserError(`bat-sup cannot import ${format}; it imports ${importable()}.`);
  const { scale, mean, deviation, order, ...given } = preprocessing;
  const hints = { ...size, scale, mean, deviation, order, networkName: name, features };
  const network = nameArchitecture(await reader(source, hints));
  return {
    format,
    network: {
      ...network,
      model: { ...network.model, classes: named(network, classes, source) },
      preprocessing: { ...network.preprocessing, ...given },
      assumed: network.assumed?.filter((what) => !(what in preprocessing)) ?? [],
    },
  };
}

async function recognise(source: string): Promise<string> {
  for (const [name, { recognises }] of Object.entries(formats)) {
    if (await recognises?.(source)) return name;
  }
  throw new UserError(`${source} is not in a format that bat-sup imports; it imports ${importable()}.`);
}

function importable(): string {
  const names = Object.entries(formats).filter(([, format]) => format.import);
  return names.map(([name]) => name).join(', ');
}

function named({ model }: Network, classes: string[] | undefined, source: string): string[] {
  if (!classes) return model.classes;
  if (new Set(classes).size !== classes.length)
    throw new UserError(`--classes must not name a class twice; received ${classes.join(', ')}.`);
  if (classes.length === model.classes.length) return classes;
  throw new UserError(
    `${source} has ${model.classes.length} classes, but --classes names ${classes.length}; name each class once.`,
  );
}
