import { zeroPadding } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

const [height, width, channels] = [3, 4, 2];

testLayer(
  zeroPadding,
  [
    { top: 1, left: 2, bottom: 3, right: 0 },
    { top: 0, left: 0, bottom: 0, right: 1 },
  ].map((sides) => ({
    name: JSON.stringify(sides),
    inputs: [[height, width, channels]],
    attributes: sides,
    outputShape: [height + sides.top + sides.bottom, width + sides.left + sides.right, channels],
    reference([x]) {
      const padded: number[] = [];
      for (let row = 0; row < 2; row++)
        for (let y = -sides.top; y < height + sides.bottom; y++)
          for (let left = -sides.left; left < width + sides.right; left++)
            for (let channel = 0; channel < channels; channel++) {
              const isWithin = y >= 0 && y < height && left >= 0 && left < width;
              const at = ((row * height + y) * width + left) * channels + channel;
              padded.push(isWithin ? (x?.values[at] as number) : 0);
            }
      return padded;
    },
  })),
);
