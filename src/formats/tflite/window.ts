import { heightAndWidth, type Window } from '../../layers/window.ts';
import type { Field } from './tables.ts';

/** The first three fields of the options of Conv2D, DepthwiseConv2D and Pool2D: padding, strides. */
export function windowFields({ stride, padding }: Window): Field[] {
  const [down, across] = heightAndWidth(stride);
  return [
    { slot: 0, int8: padding === 'same' ? 0 : 1 },
    // stride_w comes before stride_h.
    { slot: 1, int32: across },
    { slot: 2, int32: down },
  ];
}
