import { variablesOf } from '../../layers/index.ts';
import { bytesOf, type Tensor, toFloat16 } from '../../tensors/tensors.ts';
import { about, aboutKey } from '../about.ts';
import type { ExportOptions, Network } from '../format.ts';
import { mapsBefore } from '../maps_before.ts';
import { pyTorchName, toPyTorch } from './pytorch.ts';

/** The tensors of a network under PyTorch's names and in PyTorch's layouts. */
function* tensorsOf({ layers, weights }: Network): Generator<[name: string, tensor: Tensor]> {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const layer of layers)
    for (const { name } of variablesOf(layer))
      yield [
        pyTorchName(name),
        toPyTorch(name, weights.get(name) as Tensor, layer.kind, mapsBefore(layer, byName)),
      ];
}

/**
 * A network in the safetensors format (huggingface.co/docs/safetensors): the header's length as u64, the header in
 * JSON, the tensors' bytes.
 */
export function encodeSafetensors(
  network: Network,
  { weights }: Pick<ExportOptions, 'weights'>,
): Uint8Array[] {
  const metadata = {
    format: 'pt',
    [aboutKey]: JSON.stringify({ ...about(network, { scaledInside: false }), layers: network.layers }),
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
  // PyTorch's batch normalisation counts its batches, and wants the count.
  for (const { name, kind } of network.layers) {
    if (kind !== 'batchNorm') continue;
    const place = { dtype: 'I64', shape: [], data_offsets: [offset, offset + 8] };
    header[`${name.replaceAll('/', '.')}.num_batches_tracked`] = place;
    offset += 8;
    parts.push(new Uint8Array(8));
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc(-json.length & 7, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return [length, json, padding, ...parts];
}
