import { transformed } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between } from '../random.ts';
import { affine } from '../warp/matrix.ts';

export const shear = operation({
  name: 'shear',
  summary: 'shears along one side, and enlarges the part that shows no empty corner',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 45, 11, 'largest angle to the left (or up), in degrees'),
    maxRight: number(0, 45, 11, 'largest angle to the right (or down), in degrees'),
  },
  sample(random, { maxLeft, maxRight }, size) {
    const slant = Math.tan((between(random, -maxLeft, maxRight) * Math.PI) / 180);
    const vertical = random() < 0.5;
    const [along, across] = vertical ? [size.height, size.width] : [size.width, size.height];
    // At least half of a long thin picture is kept.
    const lost = Math.max(-along / 2, Math.min(along / 2, slant * across));
    const kept = (along - Math.abs(lost)) / along;
    const shift = Math.max(-lost, 0);
    const used = lost / across;
    return transformed(
      size,
      vertical ? affine(1, 0, 0, used, kept, shift) : affine(kept, used, shift, 0, 1, 0),
    );
  },
});
