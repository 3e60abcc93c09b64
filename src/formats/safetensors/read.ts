import { reason, UserError } from '../../errors.ts';
import { formatsOf } from '../../layers/formats.ts';
import { type LayerSummary, layerOf, variablesOf } from '../../layers/index.ts';
import type { ModelDescription } from '../../models/description.ts';
import { type ArchitectureName, architectureNames } from '../../models/index.ts';
import { completed } from '../../models/older_layers.ts';
import { planArchitecture } from '../../models/plan.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { flattenedMaps } from '../flattened_maps.ts';
import { defaultSize, type ImportHints, type Network } from '../format.ts';
import { type Metadata, metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder, type Value } from '../network_builder.ts';
import { isRecognised, readStateDict } from '../state_dict/read.ts';
import type { StateDict } from '../state_dict/state_dict.ts';
import { decodeSafetensors } from './decode.ts';
import { nameInPyTorch } from './names.ts';

function isLayer(layer: LayerSummary): boolean {
  return (
    typeof layer?.name === 'string' &&
    typeof layer.kind === 'string' &&
    Array.isArray(layer.inputs) &&
    Array.isArray(layer.variables) &&
    Array.isArray(layer.outputShape) &&
    typeof layer.attributes === 'object' &&
    layer.attributes !== null
  );
}

/**
 * The network in a safetensors file. Its layers come from bat-sup's metadata where the file has them; otherwise its names must
 * be those of torchvision's or timm's network, or it must hold exactly the variables of one of bat-sup's architectures.
 * @throws {UserError} where it is damaged, or fits neither.
 */
export function readSafetensors(data: Uint8Array, source: string, hints: ImportHints): Network {
  const { metadata: properties, tensors } = decodeSafetensors(data, source);
  const metadata = readMetadata(properties[metadataKey], source);
  if (!metadata?.layers && isRecognised(tensors)) return readStateDict(tensors, source, hints, data.length);
  const { shape, layers } = metadata?.layers
    ? describedBy(metadata, source)
    : recognise(tensors, hints, source);
  const builder = new NetworkBuilder(source, hints);
  const pictures = builder.pictures('the network', shape);
  const values = new Map<string, Value>();
  let last = pictures;
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers) {
    const kind = layerOf(layer);
    const inputs = layer.inputs.map(
      (name) => values.get(name) ?? builder.fail(layer.name, `reads ${name}, which is not a layer before it`),
    );
    const read = inputs.length > 0 ? inputs : [pictures];
    const variables = tensorsOf(layer, { tensors, maps: flattenedMaps(layer, byName), builder });
    last = builder.add(kind, read, layer.attributes, variables, layer.name);
    values.set(layer.name, last);
  }
  return builder.finish(pictures, last, metadata);
}

/** A layer's tensors with our names and layouts, as far as the file has them. */
function tensorsOf(
  layer: LayerSummary,
  { tensors, maps, builder }: { tensors: StateDict; maps: number[] | undefined; builder: NetworkBuilder },
): Record<string, Tensor> {
  const found: Record<string, Tensor> = {};
  for (const [variable, { name, fromPyTorch }] of Object.entries(formatsOf(layer).pyTorch)) {
    const full = nameInPyTorch(layer, name);
    const tensor = tensors.get(full)?.read();
    if (!tensor) continue;
    try {
      found[variable] = fromPyTorch?.(tensor, maps) ?? tensor;
    } catch (error) {
      builder.fail(full, reason(error));
    }
  }
  return found;
}

interface Described {
  /** Shape of a picture, [height, width, channels]. */
  shape: number[];
  layers: LayerSummary[];
}

function describedBy({ width, height, channels, layers = [] }: Metadata, source: string): Described {
  if (Array.isArray(layers) && layers.every(isLayer))
    return { shape: [height, width, channels], layers: completed(layers) };
  throw new UserError(`${source} is damaged: its metadata do not describe its layers; export it again.`);
}

/** Finds the architecture whose variables these tensors are. */
function recognise(tensors: StateDict, hints: ImportHints, source: string): Described {
  const { width = defaultSize.width, height = defaultSize.height } = hints;
  const outputs = tensors.get('logits.bias')?.shape[0] ?? 0;
  const classes = Array.from({ length: outputs }, (_, index) => String(index));
  for (const architecture of architectureNames)
    for (const channels of [3, 1] as const) {
      const layers = fittingLayers(architecture, { width, height, channels, classes }, tensors);
      if (layers) return { shape: [height, width, channels], layers };
    }
  throw new UserError(
    `${source} cannot be imported: its tensors are not those of an architecture of bat-sup (${architectureNames.join(', ')}) ` +
      `for pictures of ${width} x ${height}; give --width and --height, or import an ONNX file.`,
  );
}

/** The layers of an architecture, if the tensors have the sizes of its variables. */
function fittingLayers(
  architecture: ArchitectureName,
  sizes: Omit<ModelDescription, 'architecture'>,
  tensors: StateDict,
): LayerSummary[] | undefined {
  const first = tensors.get('conv1.weight')?.shape[0];
  try {
    const { layers } = planArchitecture(architecture, sizes, first);
    const fits = (layer: LayerSummary) =>
      variablesOf(layer).every(({ name, shape }) => {
        const inPyTorch = formatsOf(layer).pyTorch[name.split('/').at(-1) as string]?.name ?? '';
        const stored = tensors.get(nameInPyTorch(layer, inPyTorch));
        return stored !== undefined && sizeOf(stored.shape) === sizeOf(shape);
      });
    return layers.every(fits) ? layers : undefined;
  } catch {
    return undefined; // The pictures are too small for it.
  }
}
