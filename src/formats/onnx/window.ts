import type { LayerSummary } from '../../layers/layer.ts';
import { axesOf, samePadding, type Window } from '../../layers/window.ts';

/** ONNX's attributes for the window of a convolution or pooling. */
export function onnxWindow({ inputShape, attributes }: LayerSummary<Window>): Record<string, number[]> {
  const axes = axesOf(attributes);
  const around = axes.map((axis, index) =>
    axis.padding === 'same' ? samePadding(inputShape[index] as number, axis) : { before: 0, after: 0 },
  );
  return {
    kernel_shape: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    pads: [...around.map(({ before }) => before), ...around.map(({ after }) => after)],
  };
}
