import { cropAndResize } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';

export const scale = operation({
  name: 'scale',
  summary: 'enlarges or shrinks the picture, keeping its aspect ratio',
  probability: 0.5,
  parameters: { factor: number(0.05, 8, 1.5, 'factor of width and height') },
  sample(_random, { factor }, size) {
    const length = (side: number) => Math.max(1, Math.floor(side * factor));
    return cropAndResize(0, 0, size, { width: length(size.width), height: length(size.height) });
  },
});
