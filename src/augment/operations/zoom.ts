import { cropAndResize, withFill } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between } from '../random.ts';

export const zoom = operation({
  name: 'zoom',
  summary: 'enlarges the centre to the size of the picture; below 1 shrinks the picture and repeats its edge',
  probability: 0.5,
  parameters: {
    minFactor: number(0.1, 10, 1, 'smallest factor'),
    maxFactor: number(0.1, 10, 1.4, 'largest factor'),
  },
  sample(random, { minFactor, maxFactor }, size) {
    const factor = between(random, minFactor, maxFactor);
    const from = { width: size.width / factor, height: size.height / factor };
    const zoomed = cropAndResize((size.width - from.width) / 2, (size.height - from.height) / 2, from, size);
    return factor < 1 ? withFill(zoomed, 'edge', size) : zoomed;
  },
});
