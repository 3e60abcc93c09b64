import { globalAveragePool } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';

testLayer(globalAveragePool, [
  {
    name: 'maps',
    inputs: [[4, 5, 3]],
    attributes: {},
    outputShape: [3],
    reference: ([x]) =>
      Array.from({ length: 2 * 3 }, (_, index) => {
        const [row, channel] = [Math.floor(index / 3), index % 3];
        let sum = 0;
        for (let pixel = 0; pixel < 20; pixel++) sum += x?.values[(row * 20 + pixel) * 3 + channel] as number;
        return sum / 20;
      }),
  },
]);
