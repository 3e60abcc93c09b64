import { operation, part } from '../operation.ts';
import { number } from '../parameters.ts';

export const scale = operation({
  name: 'scale',
  summary: 'made larger or smaller, its aspect kept',
  probability: 0.5,
  parameters: { factor: number(0.05, 8, 1.5, 'how much larger') },
  sample(_random, { factor }, size) {
    const length = (side: number) => Math.max(1, Math.floor(side * factor));
    return part(0, 0, size, { width: length(size.width), height: length(size.height) });
  },
});
