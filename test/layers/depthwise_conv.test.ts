import { depthwiseConv, type Padding } from '../../src/layers/index.ts';
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
  ['3 x 3, as in MobileNet', [7, 9, 8], 3, 1, 'same', false],
  ['5 x 5 by 2, uneven sides', [9, 8, 5], 5, 2, 'same', true],
  ['an even kernel', [6, 5, 3], 4, 1, 'same', true],
  ['without padding, rows left over', [8, 7, 2], 3, 2, 'valid', true],
];

testLayer(
  depthwiseConv,
  cases.map(([name, maps, kernel, stride, padding, biases]) => {
    const channels = maps[2];
    const { height, width, windows } = eachWindow(maps, { kernel, stride, padding });
    return {
      name,
      inputs: [maps],
      attributes: { kernel, stride, padding, biases },
      outputShape: [height, width, channels],
      reference: ([x], { weights, biases: shift }) =>
        windows(x, (pixels) =>
          Array.from({ length: channels }, (_, channel) => {
            let sum = shift?.values[channel] ?? 0;
            for (const { row, column, at } of pixels)
              sum +=
                (x?.values[at + channel] as number) *
                (weights?.values[(row * kernel + column) * channels + channel] as number);
            return sum;
          }),
        ),
    };
  }),
);
