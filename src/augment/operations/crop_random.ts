import { anywhere, crop, sampleSide, sideParameters } from '../crop.ts';
import { operation } from '../operation.ts';

export const cropRandom = operation({
  name: 'cropRandom',
  summary: 'cuts out a part at a random position',
  probability: 0.5,
  parameters: sideParameters,
  sample(random, parameters, size) {
    const side = sampleSide(random, parameters);
    return crop(size, { width: size.width * side, height: size.height * side }, anywhere(random));
  },
});
