import { sampleSide, sideParameters } from '../crop.ts';
import { operation, part } from '../operation.ts';

export const zoomRandom = operation({
  name: 'zoomRandom',
  summary: 'a part from anywhere, enlarged to the size',
  probability: 0.5,
  parameters: sideParameters,
  sample(random, parameters, size) {
    const side = sampleSide(random, parameters);
    const from = { width: size.width * side, height: size.height * side };
    return part(random() * (size.width - from.width), random() * (size.height - from.height), from, size);
  },
});
