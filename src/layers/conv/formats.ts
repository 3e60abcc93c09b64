import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { placeWindow, type Window } from '../../formats/windows.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { type ConvAttributes, conv } from './layer.ts';

/** @param kernel [height, width, in, out] */
export function addConv(
  builder: NetworkBuilder,
  input: Value,
  { kernel, biases, ...rest }: { kernel: Tensor; biases?: Tensor | undefined } & Omit<Window, 'kernel'>,
  where: string,
): Value {
  const [height, width, channels, outputChannels] = kernel.shape as [number, number, number, number];
  if (kernel.shape.length !== 4)
    builder.fail(where, `has weights of shape [${kernel.shape}] instead of four axes`);
  if (input.shape.length === 3 && channels !== input.shape[2])
    builder.fail(
      where,
      `has a kernel for ${channels} channels (in groups?), its input has ${input.shape[2]}`,
    );
  const { input: padded, window } = placeWindow(builder, input, { kernel: [height, width], ...rest }, where);
  const attributes = { ...window, outputChannels, biases: biases !== undefined };
  return builder.add(conv, [padded], attributes, { weights: kernel, biases }, where);
}

export const formats: LayerFormats<ConvAttributes> = {
  layer: conv,
};
