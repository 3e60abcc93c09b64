import type { tf } from '../../../tensors/tf.ts';
import { execute, firstId, float32, type NodeBackend } from '../../native/backend.ts';
import type { OwnKernel } from '../../native/kernel.ts';
import { type ScalePixelsAttributes, scalePixelsKernel } from './operation.ts';

/** Uploads the pixels as bytes, a quarter of the size of floats; they are converted on the device. */
function upload({ binding }: NodeBackend, attributes: tf.NamedAttrMap): number {
  const { pixels, shape } = attributes as unknown as ScalePixelsAttributes;
  return binding.createTensor(shape, binding.TF_UINT8 as number, pixels);
}

export const scalePixels: OwnKernel = {
  name: scalePixelsKernel,
  run(backend, inputs, attributes) {
    const uploaded = upload(backend, attributes);
    const types = { SrcT: { type: 'TF_UINT8' }, DstT: float32, Truncate: false };
    const cast = firstId(execute(backend, 'Cast', types, [uploaded]));
    const [scale] = backend.getInputTensorIds([inputs.scale as tf.TensorInfo]) as [number];
    const [pictures] = execute(backend, 'Mul', { T: float32 }, [cast, scale]);
    for (const id of [uploaded, cast]) backend.binding.deleteTensor(id);
    return backend.createOutputTensor(pictures as NonNullable<typeof pictures>);
  },
};

export const scalePixelsAtOnce: OwnKernel = {
  name: scalePixelsKernel,
  needs: 'operations',
  run(backend, inputs, attributes) {
    const uploaded = upload(backend, attributes);
    const [scale] = backend.getInputTensorIds([inputs.scale as tf.TensorInfo]) as [number];
    const [pictures] = execute(backend, 'BatSupScalePixels', {}, [uploaded, scale]);
    backend.binding.deleteTensor(uploaded);
    return backend.createOutputTensor(pictures as NonNullable<typeof pictures>);
  },
};
