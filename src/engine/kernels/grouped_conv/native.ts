import type { OwnKernel } from '../../native/kernel.ts';
import { convolutionFilterGradient, convolutionInputGradient, fusedConv2d } from '../conv/native.ts';
import { composedKernels } from './operation.ts';

/**
 * TensorFlow's convolutions infer the number of groups from the shapes. Without oneDNN (on other processors, or switched off
 * by TF_ENABLE_ONEDNN_OPTS=0) they have no gradients with groups and fail; then each group is computed by itself.
 */
function grouped(name: string, { run }: OwnKernel): OwnKernel {
  let isRefused = false;
  return {
    name,
    run(backend, inputs, attributes) {
      if (!isRefused)
        try {
          return run(backend, inputs, attributes);
        } catch (error) {
          if (!/group/i.test(String(error))) throw error;
          isRefused = true;
        }
      return composedKernels[name]?.(inputs, attributes);
    },
  };
}

export const groupedConv2d = grouped('GroupedConv2D', fusedConv2d);
export const groupedConv2dBackpropInput = grouped('GroupedConv2DBackpropInput', convolutionInputGradient);
export const groupedConv2dBackpropFilter = grouped('GroupedConv2DBackpropFilter', convolutionFilterGradient);
