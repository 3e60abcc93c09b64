import { depthwiseConv, type Padding, type Size2D } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';
import { eachWindow } from '../helpers/windows.ts';

const cases: [
  name: string,
  maps: [number, number, number],
  kernel: Size2D,
  stride: Size2D,
  Padding,
  boolean,
][] = [
  ['3 x 3, as in MobileNet', [7, 9, 8], 3, 1, 'same', false],
  ['5 x 5 by 2, uneven sides', [9, 8, 5], 5, 2, 'same', true],
  ['an even kernel', [6, 5, 3], 4, 1, 'same', true],
  ['without padding, rows left over', [8, 7, 2], 3, 2, 'valid', true],
  ['a row', [5, 8, 4], [1, 5], 1, 'same', true],
  ['an uneven kernel', [7, 8, 3], [2, 3], 2, 'valid', false],
  ['uneven strides', [7, 8, 4], 3, [2, 1], 'same', true],
  ['an uneven kernel and strides', [8, 7, 3], [3, 5], [1, 2], 'valid', false],
];

testLayer(
  depthwiseConv,
  cases.map(([name, maps, kernel, stride, padding, biases]) => {
    const channels = maps[2];
    const { height, width, windows } = eachWindow(maps, { kernel, stride, padding });
    const kernelWidth = [kernel].flat().at(-1) as number;
    return {
      name,
      inputs: [maps],
      attributes: { kernel, stride, padding, biases },
      outputShape: [height, width, channels],
      // Keras's have one stride for both axes.
      refusedBy: Array.isArray(stride) ? ['keras'] : [],
      reference: ([x], { weights, biases: shift }) =>
        windows(x, (pixels) =>
          Array.from({ length: channels }, (_, channel) => {
            let sum = shift?.values[channel] ?? 0;
            for (const { row, column, at } of pixels)
              sum +=
                (x?.values[at + channel] as number) *
                (weights?.values[(row * kernelWidth + column) * channels + channel] as number);
            return sum;
          }),
        ),
    };
  }),
);
