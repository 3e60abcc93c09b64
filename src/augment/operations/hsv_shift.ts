import { perPixel, toByte } from '../changes.ts';
import { operation } from '../operation.ts';
import { number } from '../parameters.ts';
import { between } from '../random.ts';

export const hsvShift = operation({
  name: 'hsvShift',
  summary: 'changes hue, saturation and value',
  probability: 0.5,
  parameters: {
    hueShift: number(0, 0.5, 0.05, 'largest shift of the hue, as a share of the colour circle'),
    saturationScale: number(0, 10, 0.2, 'multiplies saturation by 1/(1 + this) to 1 + this'),
    saturationShift: number(0, 1, 0.1, 'largest value to add to or take from saturation (0..1)'),
    valueScale: number(0, 10, 0.2, 'multiplies value by 1/(1 + this) to 1 + this'),
    valueShift: number(0, 1, 0.1, 'largest value to add to or take from value (0..1)'),
  },
  sample(random, { hueShift, saturationScale, saturationShift, valueScale, valueShift }) {
    const hue = between(random, -hueShift, hueShift);
    const saturation = linear(random, saturationScale, saturationShift);
    const value = linear(random, valueScale, valueShift);
    return perPixel((input, output, at) => {
      const red = input[at] as number;
      const green = input[at + 1] as number;
      const blue = input[at + 2] as number;
      const max = Math.max(red, green, blue);
      const range = max - Math.min(red, green, blue);
      const hueSixths = 6 * (hueOf(red, green, blue, max, range) + hue + 1);
      const v = value(max / 255);
      const chroma = v * saturation(max === 0 ? 0 : range / max);
      output[at] = toByte(255 * (v - chroma * wave(hueSixths + 5)));
      output[at + 1] = toByte(255 * (v - chroma * wave(hueSixths + 3)));
      output[at + 2] = toByte(255 * (v - chroma * wave(hueSixths + 1)));
    });
  },
});

function linear(random: () => number, scale: number, shift: number): (value: number) => number {
  const factor = between(random, 1 / (1 + scale), 1 + scale);
  const added = between(random, -shift, shift);
  return (value) => Math.min(1, Math.max(0, value * factor + added));
}

/** The hue, 0..1, from red over green and blue back to red. */
function hueOf(red: number, green: number, blue: number, max: number, range: number): number {
  if (range === 0) return 0;
  if (max === red) return (green - blue) / range / 6;
  if (max === green) return ((blue - red) / range + 2) / 6;
  return ((red - green) / range + 4) / 6;
}

/** Share of the chroma that a colour lacks, at a hue in sixths of the circle. */
function wave(sixths: number): number {
  const k = sixths % 6;
  return Math.max(0, Math.min(k, 4 - k, 1));
}
