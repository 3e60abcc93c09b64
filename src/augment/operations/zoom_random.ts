import { cropAndResize } from '../changes.ts';
import { sampleSide, sideParameters } from '../crop.ts';
import { operation } from '../operation.ts';

export const zoomRandom = operation({
  name: 'zoomRandom',
  summary: 'enlarges a part at a random position to the size of the picture',
  probability: 0.5,
  parameters: sideParameters,
  sample(random, parameters, size) {
    const side = sampleSide(random, parameters);
    const from = { width: size.width * side, height: size.height * side };
    return cropAndResize(
      random() * (size.width - from.width),
      random() * (size.height - from.height),
      from,
      size,
    );
  },
});
