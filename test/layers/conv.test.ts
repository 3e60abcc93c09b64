import { conv, type Padding, type Size2D } from '../../src/layers/index.ts';
import { testLayer } from '../helpers/test_layer.ts';
import { eachWindow } from '../helpers/windows.ts';

interface Case {
  name: string;
  maps: [number, number, number];
  kernel: Size2D;
  stride: Size2D;
  padding?: Padding;
  biases?: boolean;
  groups?: number;
  outputChannels?: number;
  refusedBy?: string[];
}

const cases: Case[] = [
  { name: '5 x 5, as in the article', maps: [9, 7, 3], kernel: 5, stride: 1 },
  { name: 'an even kernel', maps: [6, 5, 2], kernel: 4, stride: 1 },
  { name: 'a stride, uneven sides', maps: [7, 10, 2], kernel: 3, stride: 2 },
  { name: 'without padding, rows left over', maps: [8, 7, 2], kernel: 3, stride: 2, padding: 'valid' },
  { name: '1 x 1 without biases', maps: [4, 5, 6], kernel: 1, stride: 1, biases: false },
  { name: 'a stride larger than the kernel', maps: [7, 7, 1], kernel: 1, stride: 3, biases: false },
  { name: 'a row', maps: [6, 9, 2], kernel: [1, 7], stride: 1 },
  { name: 'a column, as after a row', maps: [9, 6, 2], kernel: [7, 1], stride: 1, biases: false },
  { name: 'an uneven kernel and strides', maps: [8, 9, 3], kernel: [2, 5], stride: [3, 2] },
  { name: 'the same without padding', maps: [8, 9, 3], kernel: [2, 5], stride: [3, 2], padding: 'valid' },
];

/** TensorFlow.js has no grouped convolution. */
const refusedBy = ['tfjs'];
const grouped: Case[] = [
  { name: 'two groups', maps: [5, 6, 4], kernel: 3, stride: 1, groups: 2 },
  { name: 'groups of uneven width', maps: [7, 5, 6], kernel: 3, stride: 2, groups: 2, outputChannels: 10 },
  {
    name: 'groups of eight, as in RegNet',
    maps: [5, 4, 16],
    kernel: 3,
    stride: 2,
    groups: 2,
    outputChannels: 16,
  },
  {
    name: 'groups of four, as in ResNeXt',
    maps: [5, 6, 8],
    kernel: 3,
    stride: 1,
    groups: 2,
    outputChannels: 8,
  },
  {
    name: '1 x 1 groups',
    maps: [4, 3, 6],
    kernel: 1,
    stride: 1,
    biases: false,
    groups: 3,
    outputChannels: 6,
  },
  {
    name: 'two outputs for each channel',
    maps: [6, 5, 3],
    kernel: 3,
    stride: 1,
    groups: 3,
    outputChannels: 6,
  },
  {
    name: 'groups with an uneven window',
    maps: [6, 7, 4],
    kernel: [3, 2],
    stride: [1, 2],
    padding: 'valid',
    groups: 2,
  },
];
const groupedCases = grouped.map((one) => ({ ...one, refusedBy }));

testLayer(
  conv,
  [...cases, ...groupedCases].map(({ name, maps, refusedBy = [], ...options }) => {
    const { kernel, stride, padding = 'same', biases = true, groups, outputChannels = 4 } = options;
    const window = { kernel, stride, padding };
    const { height, width, windows } = eachWindow(maps, window);
    const inputs = maps[2] / (groups ?? 1);
    const outputsPerGroup = outputChannels / (groups ?? 1);
    const kernelWidth = [kernel].flat().at(-1) as number;
    return {
      name,
      inputs: [maps],
      attributes: { ...window, outputChannels, biases, ...(groups !== undefined && { groups }) },
      outputShape: [height, width, outputChannels],
      refusedBy,
      reference([x], { weights, biases: shift }) {
        return windows(x, (pixels) =>
          Array.from({ length: outputChannels }, (_, output) => {
            const first = Math.floor(output / outputsPerGroup) * inputs;
            let sum = shift?.values[output] ?? 0;
            for (const { row, column, at } of pixels)
              for (let input = 0; input < inputs; input++) {
                const weight = ((row * kernelWidth + column) * inputs + input) * outputChannels + output;
                sum += (x?.values[at + first + input] as number) * (weights?.values[weight] as number);
              }
            return sum;
          }),
        );
      },
    };
  }),
);
