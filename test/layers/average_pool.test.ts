import { averagePool, type Padding, type Size2D } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';
import { eachWindow } from '../helpers/windows.ts';

const cases: [name: string, maps: [number, number, number], kernel: Size2D, stride: Size2D, Padding][] = [
  ['3 x 3 with padding, as Inception has it', [6, 5, 3], 3, 1, 'same'],
  ['5 x 5 by 2 with padding', [9, 7, 6], 5, 2, 'same'],
  ['2 x 2 by 2, as DenseNet has it', [6, 8, 4], 2, 2, 'same'],
  ['2 x 2 by 2 of odd maps', [5, 7, 5], 2, 2, 'same'],
  ['without padding, rows left over', [8, 7, 2], 3, 2, 'valid'],
  ['strides larger than the window', [9, 8, 3], 2, 4, 'same'],
  ['nearly the whole of the maps', [4, 5, 5], 4, 1, 'valid'],
  ['a window larger than the maps', [3, 2, 4], 5, 1, 'same'],
  ['an uneven window with padding', [7, 9, 2], [2, 5], [3, 1], 'same'],
  ['a row without padding', [5, 7, 2], [1, 3], 2, 'valid'],
];

testLayer(
  averagePool,
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
            pixels.reduce((sum, { at }) => sum + (x?.values[at + channel] as number) / pixels.length, 0),
          ),
        ),
    };
  }),
);
