import { type ScalePixelsAttributes, scalePixelsKernel } from '../../scale_pixels.ts';
import { execute, executeOnTensors, float32 } from '../backend.ts';
import type { OwnKernel } from './own_kernel.ts';

/** The pixels travel as bytes, a quarter of what floats take, and become floats on the device. */
export const scalePixels: OwnKernel = {
  name: scalePixelsKernel,
  run(backend, { scale }, attributes) {
    const { pixels, shape } = attributes as unknown as ScalePixelsAttributes;
    const bytes = { type: 'TF_UINT8' };
    const uploaded = backend.binding.createTensor(shape, backend.binding.TF_UINT8 as number, pixels);
    const [cast] = execute(backend, 'Cast', { SrcT: bytes, DstT: float32, Truncate: false }, [uploaded]);
    backend.binding.deleteTensor(uploaded);
    const floats = backend.createOutputTensor(cast as NonNullable<typeof cast>);
    const pictures = executeOnTensors(backend, 'Mul', { T: float32 }, [
      floats,
      scale as NonNullable<typeof scale>,
    ]);
    floats.dispose();
    return pictures;
  },
};
