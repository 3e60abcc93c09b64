import { between, cropCentre, operation } from '../operation.ts';

/** The middle of the picture, up to 1.4 times as large. */
export const zoom = operation<{ factor: number }>({
  name: 'zoom',
  probability: 0.5,
  sample: (random) => ({ factor: between(random, 1, 1.4) }),
  apply: (picture, { factor }) => cropCentre(picture, picture.width / factor, picture.height / factor),
});
