import type { Group } from 'h5wasm';
import { reason, UserError } from '../../errors.ts';
import { readZip, type ZipEntry } from '../../system/zip.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { parseObject } from '../../text/json.ts';
import type { ImportHints, Network } from '../format.ts';
import { readKerasConfig } from '../keras_model/config.ts';
import type { FoundLayer } from '../keras_model/layer_format.ts';
import { buildFromKeras, type KerasNetwork, weightNames } from '../keras_model/read.ts';
import { type Metadata, metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder } from '../network_builder.ts';
import { datasetReader, entityOf, maxCompression, readHdf5 } from './hdf5.ts';
import { inKerasOrder, pathsByName } from './weight_order.ts';

/** More than any config.json has. */
const maxJsonBytes = 2 ** 26;

/** HDF5's errors are stack traces a page long; the cause is in the last line. */
function shortReason(error: unknown): string {
  const text = reason(error);
  const causes = [...text.matchAll(/^\s*#\d+: .*?\(\): (.+)$/gm)].map(([, cause]) => cause);
  return causes.at(-1) ?? (text.split('\n')[0] as string);
}

type WeightOf = (layer: FoundLayer, name: string) => Tensor | undefined;
type ReadDataset = (group: Group, path: string) => Tensor | undefined;

function damaged(source: string, why: string): never {
  throw new UserError(`${source} is a damaged Keras file: ${why}.`);
}

function parse(data: Uint8Array | string | undefined, what: string, source: string): Record<string, unknown> {
  const text = typeof data === 'string' ? data : Buffer.from(data ?? '').toString('utf8');
  return parseObject(text) ?? damaged(source, `its ${what} is not a JSON object`);
}

/** A file in the archive, not copied where it is not compressed; undefined where there is none. */
function unzipped(entries: Map<string, ZipEntry>, name: string, maxBytes: number): Uint8Array | undefined {
  const entry = entries.get(name);
  if (entry && entry.size > maxBytes)
    throw new Error(`its ${name} has ${entry.size} bytes, which is too large`);
  return entry?.read();
}

function unzip(data: Uint8Array, source: string) {
  try {
    const entries = readZip(data);
    return {
      config: unzipped(entries, 'config.json', maxJsonBytes),
      metadata: unzipped(entries, 'metadata.json', maxJsonBytes),
      weights: unzipped(entries, 'model.weights.h5', data.length * maxCompression),
    };
  } catch (error) {
    return damaged(source, shortReason(error));
  }
}

/** Reads the weights of a .keras file's model.weights.h5. */
function weightsOfKeras3(root: Group, _network: KerasNetwork, readDataset: ReadDataset): WeightOf {
  // Keras 2.13 to 2.15 named the list differently.
  const list = root.keys().includes('layers') ? 'layers' : '_layer_checkpoint_dependencies';
  return (layer, name) => {
    const index = weightNames(layer).indexOf(name);
    const path = layer.groups.map((group) => `${list}/${group}`).join('/');
    return index < 0 ? undefined : readDataset(root, `${path}/vars/${index}`);
  };
}

/** Names of the datasets in the group of a layer or a model in an .h5 file, in Keras's order. */
function pathsIn(group: Group | undefined): string[] {
  const names = group?.attrs.weight_names?.value;
  return Array.isArray(names) ? names.map(String) : [];
}

const lastPart = (path: string) => path.split('/').at(-1)?.replace(/:0$/, '');

/**
 * Reads the weights of an .h5 file: groups model_weights/<layer>, whose attribute weight_names holds their paths. The paths
 * in the group of a model may name other layers than it has, or two of the same name: then their order counts, as in Keras.
 */
function weightsOfHdf5(
  root: Group,
  { layers, version = '' }: KerasNetwork,
  readDataset: ReadDataset,
): WeightOf {
  const groupOf = (name: string) => entityOf<Group>(root, `model_weights/${name}`, 'Group');
  const nested = new Map<string, string>();
  for (const model of new Set(layers.flatMap(({ within }) => within.slice(0, 1)))) {
    const weights = inKerasOrder(
      layers.filter(({ within }) => within[0] === model),
      version,
    );
    const paths = pathsIn(groupOf(model));
    const fits = paths.length === weights.length;
    if (!fits) throw new Error(`${model} has ${paths.length} weights instead of ${weights.length}`);
    const ordered = pathsByName(weights, paths) ?? paths;
    for (const [index, { layer, name }] of weights.entries())
      nested.set(`${layer}/${name}`, ordered[index] as string);
  }
  return (layer, name) => {
    const group = groupOf(layer.within[0] ?? layer.name);
    const path =
      layer.within.length > 0
        ? nested.get(`${layer.name}/${name}`)
        : pathsIn(group).find((one) => lastPart(one) === name);
    return group && path ? readDataset(group, path) : undefined;
  };
}

interface KerasFile {
  config: unknown;
  weights: Uint8Array;
  metadata: Metadata | undefined;
  /** Keras's version. */
  version: unknown;
  weightsOf(root: Group, network: KerasNetwork, readDataset: ReadDataset): WeightOf;
}

function build(
  builder: NetworkBuilder,
  root: Group,
  { config, weights, metadata, version, weightsOf }: KerasFile,
): Network {
  const network = { ...readKerasConfig(config, builder), version: String(version) };
  const { pictures, output } = buildFromKeras(
    builder,
    network,
    weightsOf(root, network, datasetReader(weights.length)),
  );
  return builder.finish(pictures, output, metadata);
}

function openZip(data: Uint8Array, source: string): KerasFile {
  const files = unzip(data, source);
  const properties = parse(files.metadata ?? '{}', 'metadata.json', source);
  return {
    config: parse(files.config, 'config.json', source),
    weights: files.weights ?? damaged(source, 'it has no model.weights.h5'),
    metadata: readMetadata(properties[metadataKey], source),
    version: properties.keras_version,
    weightsOf: weightsOfKeras3,
  };
}

/**
 * Reads a .keras or .h5 file.
 * @throws {UserError} where it is damaged, or has layers that bat-sup lacks.
 */
export async function readKeras(data: Uint8Array, source: string, hints: ImportHints): Promise<Network> {
  const builder = new NetworkBuilder(source, hints);
  const isZip = data[0] === 0x50 && data[1] === 0x4b;
  const zip = isZip ? openZip(data, source) : undefined;
  try {
    return await readHdf5(zip?.weights ?? data, (root) => {
      if (zip) return build(builder, root, zip);
      const text = root.attrs.model_config?.value;
      if (typeof text !== 'string')
        throw new UserError(
          `${source} does not describe a network; save the whole model, not only its weights.`,
        );
      const config = parse(text, 'model_config', source);
      const version = root.attrs.keras_version?.value;
      const file = { config, weights: data, metadata: undefined, version, weightsOf: weightsOfHdf5 };
      return build(builder, root, file);
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    return damaged(source, shortReason(error));
  }
}
