import { tf } from '../../../tensors/tf.ts';
import type { NodeBackend } from '../../native/backend.ts';
import type { Inputs, OwnKernel } from '../../native/kernel.ts';
import { convolutionFilterGradient, convolutionInputGradient, fusedConv2d } from '../conv/native.ts';
import { composedKernels } from './operation.ts';

const attributes = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] };

/**
 * Whether TensorFlow's convolutions infer the number of groups from the shapes. They do with oneDNN and on GPUs; without (on
 * other processors, or switched off by TF_ENABLE_ONEDNN_OPTS=0) they have no gradients with groups.
 */
function takesGroups(backend: NodeBackend): boolean {
  const tensor = (...values: [number, number]) => tf.tensor4d(values, [1, 1, 1, 2]);
  const [x, filter, dy] = [tensor(2, 3), tensor(5, 7), tensor(1, 10)];
  const tries: { kernel: OwnKernel; inputs: Inputs; more?: object; expected: number[] }[] = [
    { kernel: fusedConv2d, inputs: { x, filter }, expected: [10, 21] },
    {
      kernel: convolutionInputGradient,
      inputs: { dy, filter },
      more: { inputShape: x.shape },
      expected: [5, 70],
    },
    {
      kernel: convolutionFilterGradient,
      inputs: { x, dy },
      more: { filterShape: filter.shape },
      expected: [2, 30],
    },
  ];
  try {
    return tries.every(({ kernel, inputs, more, expected }) => {
      const output = kernel.run(backend, inputs, { ...attributes, ...more }) as tf.Tensor;
      return String(output.dataSync()) === String(expected);
    });
  } catch {
    return false;
  }
}

const found = new WeakMap<NodeBackend, boolean>();

function grouped(name: string, { run }: OwnKernel): OwnKernel {
  return {
    name,
    run(backend, inputs, attributes) {
      if (!found.has(backend))
        found.set(
          backend,
          tf.tidy(() => takesGroups(backend)),
        );
      return found.get(backend)
        ? run(backend, inputs, attributes)
        : composedKernels[name]?.(inputs, attributes);
    },
  };
}

export const groupedConv2d = grouped('GroupedConv2D', fusedConv2d);
export const groupedConv2dBackpropInput = grouped('GroupedConv2DBackpropInput', convolutionInputGradient);
export const groupedConv2dBackpropFilter = grouped('GroupedConv2DBackpropFilter', convolutionFilterGradient);
