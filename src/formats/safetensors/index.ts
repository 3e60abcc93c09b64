import { writeDurably } from '../../system/files.ts';
import { beginningOf, readModelFile } from '../files.ts';
import type { Format } from '../format.ts';

export const safetensors: Format = {
  description: 'weights alone, under PyTorch’s names and in its layouts',
  output: 'model.safetensors',
  whyNotAll: 'int8 would need scales, for which PyTorch has no common names',
  weights: ['float32', 'float16'],
  async export(network, target, options) {
    const { encodeSafetensors } = await import('./encode.ts');
    await writeDurably(target, encodeSafetensors(network, options));
  },
  async import(source, hints) {
    const { readSafetensors } = await import('./read.ts');
    return readSafetensors(await readModelFile(source), source, hints);
  },
  async recognises(source) {
    const { looksLikeSafetensors } = await import('./decode.ts');
    const { bytes, size } = await beginningOf(source, 16);
    return looksLikeSafetensors(bytes, size);
  },
};
