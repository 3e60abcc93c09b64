import { multiply } from '../../src/layers/index.ts';
import { type PlainTensor, testLayer } from '../helpers/test_layer.ts';

const cases: [one: number[], other: number[]][] = [
  [
    [4, 5, 3],
    [4, 5, 3],
  ],
  [[6], [6]],
  [
    [4, 5, 6],
    [1, 1, 6],
  ],
  [
    [1, 1, 9],
    [3, 4, 9],
  ],
  // More channels than a chunk of sums has, and more pixels than a block of them.
  [
    [9, 8, 18],
    [1, 1, 18],
  ],
  [[4, 5, 6], [6]],
  [[4], [2, 3, 4]],
  [
    [1, 1, 5],
    [1, 1, 5],
  ],
];

/** The element of a tensor at a pixel and channel, or the channel's factor. */
function at({ shape, values }: PlainTensor, [row, pixel, channel]: [number, number, number]): number {
  const channels = shape.at(-1) as number;
  const pixels = values.length / 2 / channels;
  return values[(row * pixels + (pixels === 1 ? 0 : pixel)) * channels + channel] as number;
}

testLayer(
  multiply,
  cases.map(([one, other]) => {
    const outputShape = one.length < other.length || String(one).startsWith('1,1,') ? other : one;
    const channels = outputShape.at(-1) as number;
    const pixels = outputShape.reduce((a, b) => a * b) / channels;
    return {
      name: `[${one}] by [${other}]`,
      inputs: [one, other],
      attributes: {},
      outputShape,
      reference: (inputs) =>
        Array.from({ length: 2 * pixels * channels }, (_, index) => {
          const [row, pixel, channel] = [
            Math.floor(index / channels / pixels),
            Math.floor(index / channels) % pixels,
            index % channels,
          ];
          return inputs.reduce((product, input) => product * at(input, [row, pixel, channel]), 1);
        }),
    };
  }),
);
