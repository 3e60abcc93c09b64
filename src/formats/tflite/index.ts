import { writeDurably } from '../../system/files.ts';
import { beginningOf } from '../files.ts';
import type { Format } from '../format.ts';

export const tflite: Format = {
  description: 'LiteRT (TensorFlow Lite) for phones and small devices',
  output: 'model.tflite',
  weights: ['float32', 'float16', 'int8'],
  preprocessing: true,
  async export(network, target, options) {
    const { encodeTflite } = await import('./encode.ts');
    await writeDurably(target, encodeTflite(network, options));
  },
  /** Recognises the identifier after the first four bytes, so that import can say that it does not read this format. */
  async recognises(source) {
    const { bytes } = await beginningOf(source, 8);
    return Buffer.from(bytes.subarray(4)).toString('latin1') === 'TFL3';
  },
};
