import type { Padding } from '../../src/layers/index.ts';
import { conv } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';
import { eachWindow } from '../helpers/windows.ts';

const cases: [
  name: string,
  maps: [number, number, number],
  kernel: number,
  stride: number,
  Padding,
  boolean,
][] = [
  ['5 x 5, as in the article', [9, 7, 3], 5, 1, 'same', true],
  ['an even kernel', [6, 5, 2], 4, 1, 'same', true],
  ['a stride, uneven sides', [7, 10, 2], 3, 2, 'same', true],
  ['without padding, rows left over', [8, 7, 2], 3, 2, 'valid', true],
  ['1 x 1 without biases', [4, 5, 6], 1, 1, 'same', false],
  ['a stride larger than the kernel', [7, 7, 1], 1, 3, 'same', false],
];

testLayer(
  conv,
  cases.map(([name, maps, kernel, stride, padding, biases]) => {
    const outputChannels = 4;
    const { height, width, windows } = eachWindow(maps, { kernel, stride, padding });
    return {
      name,
      inputs: [maps],
      attributes: { kernel, stride, padding, outputChannels, biases },
      outputShape: [height, width, outputChannels],
      reference([x], { weights, biases: shift }) {
        const inputs = maps[2];
        return windows(x, (pixels) =>
          Array.from({ length: outputChannels }, (_, output) => {
            let sum = shift?.values[output] ?? 0;
            for (const { row, column, at } of pixels)
              for (let input = 0; input < inputs; input++) {
                const weight = ((row * kernel + column) * inputs + input) * outputChannels + output;
                sum += (x?.values[at + input] as number) * (weights?.values[weight] as number);
              }
            return sum;
          }),
        );
      },
    };
  }),
);
