import { crop, middle, sampleSide, sideParameters } from '../crop.ts';
import { operation } from '../operation.ts';

export const cropCentre = operation({
  name: 'cropCentre',
  summary: 'cuts out the centre',
  probability: 0.5,
  parameters: sideParameters,
  sample(random, parameters, size) {
    const side = sampleSide(random, parameters);
    return crop(size, { width: size.width * side, height: size.height * side }, middle);
  },
});
