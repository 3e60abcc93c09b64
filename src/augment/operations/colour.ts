import { between, edit, operation } from '../operation.ts';

/** Paler or stronger colours: saturation times 0.5 to 1.5. */
export const colour = operation<{ factor: number }>({
  name: 'colour',
  probability: 0.5,
  sample: (random) => ({ factor: between(random, 0.5, 1.5) }),
  apply: (picture, { factor }) => edit(picture, (image) => image.modulate({ saturation: factor })),
});
