import { between, edit, operation } from '../operation.ts';

/** Darker or brighter: every value times 0.7 to 1.3. */
export const brightness = operation<{ factor: number }>({
  name: 'brightness',
  probability: 0.5,
  sample: (random) => ({ factor: between(random, 0.7, 1.3) }),
  apply: (picture, { factor }) => edit(picture, (image) => image.linear(factor, 0)),
});
