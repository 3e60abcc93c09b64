import { globalAveragePool } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

// The second has more channels than a chunk of sums, and more pixels than a block of them.
const shapes: [height: number, width: number, channels: number][] = [
  [4, 5, 3],
  [9, 8, 18],
];

testLayer(
  globalAveragePool,
  shapes.flatMap((shape) =>
    [{}, { keepDimensions: true as const }].map((attributes) => {
      const [height, width, channels] = shape;
      return {
        name: `[${shape}], ${JSON.stringify(attributes)}`,
        inputs: [shape],
        attributes,
        outputShape: 'keepDimensions' in attributes ? [1, 1, channels] : [channels],
        reference: ([x]) =>
          Array.from({ length: 2 * channels }, (_, index) => {
            const [row, channel] = [Math.floor(index / channels), index % channels];
            let sum = 0;
            for (let pixel = 0; pixel < height * width; pixel++)
              sum += x?.values[(row * height * width + pixel) * channels + channel] as number;
            return sum / height / width;
          }),
      };
    }),
  ),
);
