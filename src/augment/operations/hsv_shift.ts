import { between, operation, pixelwise, toByte } from '../operation.ts';
import { number } from '../parameters.ts';

export const hsvShift = operation({
  name: 'hsvShift',
  summary: 'hue, saturation and value moved',
  probability: 0.5,
  parameters: {
    hueShift: number(0, 0.5, 0.05, 'most that hue is turned, of the colour circle'),
    saturationScale: number(0, 10, 0.2, 'saturation is multiplied by 1/(1 + this) to 1 + this'),
    saturationShift: number(0, 1, 0.1, 'most that is added to saturation, of 1'),
    valueScale: number(0, 10, 0.2, 'value is multiplied by 1/(1 + this) to 1 + this'),
    valueShift: number(0, 1, 0.1, 'most that is added to value, of 1'),
  },
  sample(random, { hueShift, saturationScale, saturationShift, valueScale, valueShift }) {
    const hue = between(random, -hueShift, hueShift);
    const saturation = linear(random, saturationScale, saturationShift);
    const value = linear(random, valueScale, valueShift);
    return pixelwise((input, output, at) => {
      const red = input[at] as number;
      const green = input[at + 1] as number;
      const blue = input[at + 2] as number;
      const most = Math.max(red, green, blue);
      const range = most - Math.min(red, green, blue);
      const turned = 6 * (hueOf(red, green, blue, most, range) + hue + 1);
      const v = value(most / 255);
      const chroma = v * saturation(most === 0 ? 0 : range / most);
      output[at] = toByte(255 * (v - chroma * wave(turned + 5)));
      output[at + 1] = toByte(255 * (v - chroma * wave(turned + 3)));
      output[at + 2] = toByte(255 * (v - chroma * wave(turned + 1)));
    });
  },
});

function linear(random: () => number, scale: number, shift: number): (value: number) => number {
  const factor = between(random, 1 / (1 + scale), 1 + scale);
  const added = between(random, -shift, shift);
  return (value) => Math.min(1, Math.max(0, value * factor + added));
}

/** 0..1 from red over green and blue to red. */
function hueOf(red: number, green: number, blue: number, most: number, range: number): number {
  if (range === 0) return 0;
  if (most === red) return (green - blue) / range / 6;
  if (most === green) return ((blue - red) / range + 2) / 6;
  return ((red - green) / range + 4) / 6;
}

/** How much of the chroma a colour lacks at this sixth of the circle. */
function wave(sixths: number): number {
  const k = sixths % 6;
  return Math.max(0, Math.min(k, 4 - k, 1));
}
