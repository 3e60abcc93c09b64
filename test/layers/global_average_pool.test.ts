import { globalAveragePool } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(
  globalAveragePool,
  [{}, { keepDimensions: true as const }].map((attributes) => ({
    name: JSON.stringify(attributes),
    inputs: [[4, 5, 3]],
    attributes,
    outputShape: 'keepDimensions' in attributes ? [1, 1, 3] : [3],
    reference: ([x]) =>
      Array.from({ length: 2 * 3 }, (_, index) => {
        const [row, channel] = [Math.floor(index / 3), index % 3];
        let sum = 0;
        for (let pixel = 0; pixel < 20; pixel++) sum += x?.values[(row * 20 + pixel) * 3 + channel] as number;
        return sum / 20;
      }),
  })),
);
