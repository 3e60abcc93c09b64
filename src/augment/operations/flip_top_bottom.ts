import { edit, operation } from '../operation.ts';

/** Upside down. Not among the defaults: few things are still themselves that way. */
export const flipTopBottom = operation<null>({
  name: 'flipTopBottom',
  probability: 0.5,
  sample: () => null,
  apply: (picture) => edit(picture, (image) => image.flip()),
});
