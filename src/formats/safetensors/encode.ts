import { formatsOf } from '../../layers/formats.ts';
import { bytesOf, type Tensor, toFloat16 } from '../../tensors/tensors.ts';
import { flattenedMaps } from '../flattened_maps.ts';
import type { ExportOptions, Network } from '../format.ts';
import { metadataKey, metadataOf } from '../metadata.ts';
import { countersOf, nameInPyTorch } from './names.ts';

/** The tensors of a network, with PyTorch's names and layouts. */
function* tensorsOf({ layers, weights }: Network): Generator<[name: string, tensor: Tensor]> {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers)
    for (const [variable, { name, toPyTorch }] of Object.entries(formatsOf(layer).pyTorch)) {
      const tensor = weights.get(`${layer.name}/${variable}`);
      if (!tensor) continue;
      yield [nameInPyTorch(layer, name), toPyTorch?.(tensor, flattenedMaps(layer, byName)) ?? tensor];
    }
}

/**
 * Writes a network in the safetensors format (huggingface.co/docs/safetensors): the header's length as a 64-bit integer,
 * the header in JSON, the tensors' bytes.
 */
export function encodeSafetensors(
  network: Network,
  { weights }: Pick<ExportOptions, 'weights'>,
): Uint8Array[] {
  const metadata = {
    format: 'pt',
    [metadataKey]: JSON.stringify({
      ...metadataOf(network, { scaledInside: false }),
      layers: network.layers,
    }),
  };
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of tensorsOf(network)) {
    const bytes = bytesOf(weights === 'float16' ? toFloat16(values) : values);
    const dtype = weights === 'float16' ? 'F16' : 'F32';
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  for (const name of network.layers.flatMap(countersOf)) {
    header[name] = { dtype: 'I64', shape: [], data_offsets: [offset, offset + 8] };
    offset += 8;
    parts.push(new Uint8Array(8));
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc(-json.length & 7, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return [length, json, padding, ...parts];
}
