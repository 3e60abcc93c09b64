import { writeDurably } from '../../system/files.ts';
import { readModelFile } from '../files.ts';
import type { Format } from '../format.ts';

export const onnx: Format = {
  description: 'ONNX, for ONNX Runtime and many others',
  output: 'model.onnx',
  weights: ['float32', 'float16', 'int8'],
  preprocessing: true,
  async export(network, target, options) {
    const { encodeOnnx } = await import('./encode.ts');
    await writeDurably(target, encodeOnnx(network, options));
  },
  async import(source, hints) {
    const { readOnnx } = await import('./read.ts');
    return readOnnx(await readModelFile(source), source, hints);
  },
  async recognises(source) {
    return source.endsWith('.onnx');
  },
};
