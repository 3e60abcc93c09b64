import { concat } from '../../src/layers/index.ts';
import { type PlainTensor, testLayer } from '../helpers/test_layer.ts';

/** The channels of all inputs, pixel by pixel. */
function beside(inputs: PlainTensor[]): number[] {
  const widths = inputs.map(({ shape }) => shape.at(-1) as number);
  const pixels = (inputs[0]?.values.length as number) / (widths[0] as number);
  return Array.from({ length: pixels }, (_, pixel) =>
    inputs.flatMap(({ values }, index) => {
      const width = widths[index] as number;
      return values.slice(pixel * width, (pixel + 1) * width);
    }),
  ).flat();
}

const cases: [inputs: number[][], outputShape: number[]][] = [
  [
    [
      [4, 5, 3],
      [4, 5, 6],
      [4, 5, 1],
    ],
    [4, 5, 10],
  ],
  [
    [
      [3, 2, 8],
      [3, 2, 4],
    ],
    [3, 2, 12],
  ],
  [[[6], [6]], [12]],
];

testLayer(
  concat,
  cases.map(([inputs, outputShape]) => ({
    name: inputs.map((shape) => `[${shape}]`).join(' and '),
    inputs,
    attributes: {},
    outputShape,
    reference: beside,
  })),
);
