import { type Padding, pool, type Size2D } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';
import { eachWindow } from '../helpers/windows.ts';

const cases: [name: string, maps: [number, number, number], kernel: Size2D, stride: Size2D, Padding][] = [
  ['5 x 5 by 2, as in the article', [9, 7, 3], 5, 2, 'same'],
  ['an even kernel', [7, 6, 2], 4, 2, 'same'],
  ['without padding, rows left over', [8, 7, 2], 3, 2, 'valid'],
  ['2 x 2 by 2', [6, 8, 4], 2, 2, 'same'],
  ['an uneven window', [7, 9, 2], [2, 3], [1, 2], 'same'],
  ['a column without padding', [7, 5, 2], [3, 1], [2, 1], 'valid'],
];

testLayer(
  pool,
  cases.map(([name, maps, kernel, stride, padding]) => {
    const { height, width, windows } = eachWindow(maps, { kernel, stride, padding });
    return {
      name,
      inputs: [maps],
      attributes: { kernel, stride, padding },
      outputShape: [height, width, maps[2]],
      reference: ([x]) =>
        windows(x, (pixels) =>
          Array.from({ length: maps[2] }, (_, channel) =>
            Math.max(...pixels.map(({ at }) => x?.values[at + channel] as number)),
          ),
        ),
    };
  }),
);
