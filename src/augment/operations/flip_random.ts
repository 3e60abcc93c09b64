import { operation } from '../operation.ts';
import { oneOf } from '../random.ts';
import { flipLeftRight } from './flip_left_right.ts';
import { flipTopBottom } from './flip_top_bottom.ts';

export const flipRandom = operation({
  name: 'flipRandom',
  summary: 'flips the picture, either left to right or top to bottom',
  probability: 0.5,
  parameters: {},
  sample: (random, parameters, size) =>
    oneOf(random, [flipLeftRight, flipTopBottom]).sample(random, parameters, size),
});
