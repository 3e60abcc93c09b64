import { edit, operation } from '../operation.ts';

/** The mirror image. */
export const flipLeftRight = operation<null>({
  name: 'flipLeftRight',
  probability: 0.5,
  sample: () => null,
  apply: (picture) => edit(picture, (image) => image.flop()),
});
