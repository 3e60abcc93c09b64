import type { LayerSummary } from '../../layers/layer.ts';
import { samePadding, type Window } from '../../layers/window.ts';

/** ONNX's attributes for the window of a convolution or pooling. */
export function onnxWindow({ inputShape, attributes }: LayerSummary<Window>): Record<string, number[]> {
  const { kernel, stride, padding } = attributes;
  const around = (length: number) =>
    padding === 'same' ? samePadding(length, { kernel, stride }) : { before: 0, after: 0 };
  const axes = inputShape.slice(0, 2).map(around);
  const pads = [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)];
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads };
}
