import { UserError } from '../../errors.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import type { ImportHints, Network } from '../format.ts';
import { readKerasConfig } from '../keras_model/config.ts';
import type { FoundLayer } from '../keras_model/layer_format.ts';
import { buildFromKeras, weightNames } from '../keras_model/read.ts';
import { metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder } from '../network_builder.ts';
import { readWeights, type Stored } from './weights.ts';

/** Floats, which layers have. */
const floatsOf = (stored: Stored | undefined): Tensor | undefined =>
  stored?.values instanceof Float32Array ? { shape: stored.shape, values: stored.values } : undefined;

/**
 * Finds a layer's weight. TensorFlow.js and Keras 2 name it <layer>/<name>; some models from Keras 3 <network>/<layer>/<name>,
 * others by the groups of Keras 3's own files: layers/<group>/vars/0.
 */
function findWeight(weights: Map<string, Stored>, layer: FoundLayer, name: string): Tensor | undefined {
  const wanted = `${layer.ownName}/${name}`;
  const path = layer.groups.map((group) => `layers/${group}`).join('/');
  const found = weights.get(wanted) ?? weights.get(`${path}/vars/${weightNames(layer).indexOf(name)}`);
  if (found) return floatsOf(found);
  const longer = [...weights.keys()].find((key) => key.endsWith(`/${wanted}`));
  // Keras 2 gives what Normalization has adapted to names without a layer.
  return floatsOf(weights.get(longer ?? name));
}

/** Access to a model's files, on a disk or in a browser. */
export interface ModelFiles {
  /** Name of model.json, for messages. */
  source: string;
  /** The bytes of a file beside it. */
  read(path: string): Promise<Uint8Array>;
}

/** The content of model.json. */
export interface ModelJson {
  format?: unknown;
  modelTopology?: unknown;
  weightsManifest?: unknown;
  userDefinedMetadata?: unknown;
}

/** @throws {UserError} which names the file. */
export function damagedModel(source: string): (why: string) => never {
  return (why) => {
    throw new UserError(`${source} is a damaged TensorFlow.js model: ${why}.`);
  };
}

/**
 * Reads a layers-model.
 * @throws {UserError} where it or its weights are damaged, or have layers that bat-sup lacks.
 */
export async function decodeTfjs(
  json: ModelJson,
  { source, read }: ModelFiles,
  hints?: ImportHints,
): Promise<Network> {
  const weights = await readWeights(json.weightsManifest, read, damagedModel(source));
  const builder = new NetworkBuilder(source, hints);
  const topology = json.modelTopology as Record<string, unknown> | undefined;
  const version = String(topology?.keras_version);
  const network = { ...readKerasConfig(topology?.model_config ?? topology, builder), version };
  const { pictures, output } = buildFromKeras(builder, network, (layer, name) =>
    findWeight(weights, layer, name),
  );
  const metadata = json.userDefinedMetadata as Record<string, unknown> | null | undefined;
  return builder.finish(pictures, output, readMetadata(metadata?.[metadataKey], source));
}
