import { between, mapped, operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { affine } from '../warp/matrix.ts';

export const shear = operation({
  name: 'shear',
  summary: 'slanted along one side; the part that shows no empty corner, stretched to the size',
  probability: 0.5,
  parameters: {
    maxLeft: number(0, 45, 11, 'most degrees to the left (or up)'),
    maxRight: number(0, 45, 11, 'most degrees to the right (or down)'),
  },
  sample(random, { maxLeft, maxRight }, size) {
    const slant = Math.tan((between(random, -maxLeft, maxRight) * Math.PI) / 180);
    const vertical = random() < 0.5;
    const [along, across] = vertical ? [size.height, size.width] : [size.width, size.height];
    // A slant that would leave less than half of a long thin picture is made less.
    const lost = Math.max(-along / 2, Math.min(along / 2, slant * across));
    const kept = (along - Math.abs(lost)) / along;
    const shift = Math.max(-lost, 0);
    const used = lost / across;
    return mapped(size, vertical ? affine(1, 0, 0, used, kept, shift) : affine(kept, used, shift, 0, 1, 0));
  },
});
