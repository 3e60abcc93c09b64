import { between, edit, operation } from '../operation.ts';

const middleGrey = 128;

/** Less or more contrast: every value's distance from middle grey times 0.7 to 1.3. */
export const contrast = operation<{ factor: number }>({
  name: 'contrast',
  probability: 0.5,
  sample: (random) => ({ factor: between(random, 0.7, 1.3) }),
  apply: (picture, { factor }) => edit(picture, (image) => image.linear(factor, middleGrey * (1 - factor))),
});
