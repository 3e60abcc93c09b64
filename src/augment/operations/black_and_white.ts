import { luma, perPixel, toByte } from '../changes.ts';
import { operation } from '../operation.ts';
import { integer } from '../parameters.ts';

export const blackAndWhite = operation({
  name: 'blackAndWhite',
  summary: 'makes every pixel black or white',
  probability: 0.5,
  parameters: { threshold: integer(0, 255, 128, 'luma from which a pixel becomes white') },
  sample: (_random, { threshold }) =>
    perPixel((input, output, at) => {
      const grey = toByte(luma(input[at] as number, input[at + 1] as number, input[at + 2] as number));
      output.fill(grey < threshold ? 0 : 255, at, at + 3);
    }),
});
