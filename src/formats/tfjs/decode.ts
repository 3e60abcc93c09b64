import { UserError } from '../../errors.ts';
import { concatenate } from '../../tensors/bytes.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { fromFloat16, type Tensor } from '../../tensors/tensors.ts';
import { parseObject } from '../../text/json.ts';
import { quoted } from '../../text/quoted.ts';
import type { ImportHints, Network } from '../format.ts';
import { readKerasConfig } from '../keras_model/config.ts';
import { buildFromKeras } from '../keras_model/read.ts';
import { metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder } from '../network_builder.ts';

interface Entry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string; scale?: number; min?: number };
}

interface Group {
  paths: string[];
  weights: Entry[];
}

function damaged(source: string, why: string): never {
  throw new UserError(`${source} is a damaged TensorFlow.js model: ${why}.`);
}

/** How the bytes of each stored type are converted to floats. */
const types: Record<string, { bytes: number; read(buffer: ArrayBuffer, entry: Entry): Float32Array }> = {
  float32: { bytes: 4, read: (buffer) => new Float32Array(buffer) },
  float16: { bytes: 2, read: (buffer) => fromFloat16(new Uint16Array(buffer)) },
  uint8: { bytes: 1, read: (buffer, entry) => dequantise(new Uint8Array(buffer), entry) },
  uint16: { bytes: 2, read: (buffer, entry) => dequantise(new Uint16Array(buffer), entry) },
};

function dequantise(steps: Uint8Array | Uint16Array, { quantization }: Entry): Float32Array {
  const { scale = 1, min = 0 } = quantization ?? {};
  return Float32Array.from(steps, (step) => step * scale + min);
}

function isGroup(group: Group): boolean {
  return (
    Array.isArray(group?.paths) &&
    // Only files beside the model: the paths of a hostile one could lead anywhere.
    group.paths.every((path) => typeof path === 'string' && /^(\.\/)?[^./\\][^/\\]*$/.test(path)) &&
    Array.isArray(group.weights) &&
    group.weights.every(
      (entry) =>
        typeof entry?.name === 'string' &&
        Array.isArray(entry.shape) &&
        entry.shape.every((length) => Number.isSafeInteger(length) && length >= 0),
    )
  );
}

/** The manifest's groups. No file may be named twice: it would be read twice, so that a little text could claim gigabytes. */
function groupsOf(manifest: unknown, source: string): Group[] {
  if (!Array.isArray(manifest)) damaged(source, 'it has no weights');
  if (!manifest.every(isGroup)) damaged(source, 'its weightsManifest is invalid');
  const paths = manifest.flatMap((group: Group) => group.paths.map((path) => path.replace(/^\.\//, '')));
  const seen = new Set<string>();
  const twice = paths.find((path) => seen.size === seen.add(path).size);
  if (twice !== undefined) damaged(source, `its weightsManifest names ${quoted(twice)} twice`);
  return manifest;
}

async function readGroup(group: Group, { source, read }: ModelFiles): Promise<[string, Tensor][]> {
  const data = concatenate(await Promise.all(group.paths.map(read)));
  let offset = 0;
  const tensors = group.weights.map((entry): [string, Tensor] => {
    const { name, shape, dtype, quantization } = entry;
    const type = types[quantization?.dtype ?? dtype];
    if (!type || dtype !== 'float32') damaged(source, `${name} has the type ${quantization?.dtype ?? dtype}`);
    const length = sizeOf(shape) * type.bytes;
    if (length > data.length - offset) damaged(source, `its weights end within ${name}`);
    const { buffer } = data.slice(offset, offset + length);
    offset += length;
    return [name, { shape, values: type.read(buffer, entry) }];
  });
  if (offset !== data.length) damaged(source, `its weights are ${data.length - offset} bytes too long`);
  return tensors;
}

/** Finds a weight by its name <layer>/<name>; in models from Keras 3 it is <network>/<layer>/<name>. */
function findWeight(tensors: Map<string, Tensor>, layer: string, name: string): Tensor | undefined {
  const wanted = `${layer}/${name}`;
  const found = tensors.get(wanted);
  if (found) return found;
  const longer = [...tensors.keys()].find((key) => key.endsWith(`/${wanted}`));
  return longer === undefined ? undefined : tensors.get(longer);
}

/** Access to a model's files, on a disk or in a browser. */
export interface ModelFiles {
  /** Name of model.json, for messages. */
  source: string;
  /** The bytes of a file beside it. */
  read(path: string): Promise<Uint8Array>;
}

/**
 * Reads a layers-model.
 * @param text the content of model.json.
 * @throws {UserError} where it or its weights are damaged, or have layers that bat-sup lacks.
 */
export async function decodeTfjs(text: string, files: ModelFiles, hints?: ImportHints): Promise<Network> {
  const { source } = files;
  const json: ModelJson = parseObject(text) ?? damaged(source, 'it is not a JSON object');
  if (json.format === 'graph-model')
    throw new UserError(
      `${source} is a graph-model, which has no layers; import the model that it was converted from.`,
    );
  const groups = groupsOf(json.weightsManifest, source);
  const tensors = new Map((await Promise.all(groups.map((group) => readGroup(group, files)))).flat());
  const builder = new NetworkBuilder(source, hints);
  const topology = json.modelTopology as Record<string, unknown> | undefined;
  const version = String(topology?.keras_version);
  const network = { ...readKerasConfig(topology?.model_config ?? topology, builder), version };
  const { pictures, output } = buildFromKeras(builder, network, (layer, name) =>
    findWeight(tensors, layer.name, name),
  );
  const metadata = json.userDefinedMetadata as Record<string, unknown> | null | undefined;
  return builder.finish(pictures, output, readMetadata(metadata?.[metadataKey], source));
}

interface ModelJson {
  format?: unknown;
  modelTopology?: unknown;
  weightsManifest?: unknown;
  userDefinedMetadata?: unknown;
}
