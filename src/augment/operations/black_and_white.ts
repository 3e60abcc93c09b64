import { luma, operation, pixelwise, toByte } from '../operation.ts';
import { integer } from '../parameters.ts';

export const blackAndWhite = operation({
  name: 'blackAndWhite',
  summary: 'black and white alone',
  probability: 0.5,
  parameters: { threshold: integer(0, 255, 128, 'the least luma that becomes white') },
  sample: (_random, { threshold }) =>
    pixelwise((input, output, at) => {
      const grey = toByte(luma(input[at] as number, input[at + 1] as number, input[at + 2] as number));
      output.fill(grey < threshold ? 0 : 255, at, at + 3);
    }),
});
