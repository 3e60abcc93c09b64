import { batchNorm } from '../../src/layers/index.ts';
import { type PlainTensor, testLayer } from '../helpers/test_layer.ts';

const epsilon = 1e-3;

/** Mean and variance of each channel over the batch and the maps. */
function statistics({ shape, values }: PlainTensor): { mean: number[]; variance: number[] } {
  const channels = shape.at(-1) as number;
  const of = (channel: number) => values.filter((_, index) => index % channels === channel);
  const average = (all: number[]) => all.reduce((sum, value) => sum + value, 0) / all.length;
  const mean = Array.from({ length: channels }, (_, channel) => average(of(channel)));
  const variance = mean.map((one, channel) => average(of(channel).map((value) => (value - one) ** 2)));
  return { mean, variance };
}

const shapes = [[5, 4, 3], [6]];

testLayer(
  batchNorm,
  [false, true].flatMap((isTraining) =>
    shapes.map((shape) => ({
      name: `${isTraining ? 'training' : 'inference'} on [${shape}]`,
      inputs: [shape],
      attributes: { epsilon },
      outputShape: shape,
      ...(isTraining ? { training: { step: 1 } } : { isFrozen: true as const }),
      reference([x], { scale, offset, ...moving }) {
        if (!x) return [];
        const { mean, variance } = isTraining
          ? statistics(x)
          : { mean: moving.mean?.values, variance: moving.variance?.values };
        const channels = shape.at(-1) as number;
        return x.values.map((value, index) => {
          const of = (values: number[] | undefined) => values?.[index % channels] as number;
          const normalised = (value - of(mean)) / Math.sqrt(of(variance) + epsilon);
          return normalised * of(scale?.values) + of(offset?.values);
        });
      },
    })),
  ),
);
