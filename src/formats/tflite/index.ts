import { writeDurably } from '../../files.ts';
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
};
