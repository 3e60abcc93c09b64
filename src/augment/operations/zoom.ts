import { between, filled, operation, part } from '../operation.ts';
import { number } from '../parameters.ts';

export const zoom = operation({
  name: 'zoom',
  summary: 'the middle, enlarged to the size; below 1 all of it, made smaller, its edge repeated',
  probability: 0.5,
  parameters: {
    minFactor: number(0.1, 10, 1, 'least enlargement'),
    maxFactor: number(0.1, 10, 1.4, 'most enlargement'),
  },
  sample(random, { minFactor, maxFactor }, size) {
    const factor = between(random, minFactor, maxFactor);
    const from = { width: size.width / factor, height: size.height / factor };
    const zoomed = part((size.width - from.width) / 2, (size.height - from.height) / 2, from, size);
    return factor < 1 ? filled(zoomed, 'edge', size) : zoomed;
  },
});
