import { UsageError } from '../../errors.ts';
import { brightness } from './brightness.ts';
import { colour } from './colour.ts';
import { contrast } from './contrast.ts';
import { flipLeftRight } from './flip_left_right.ts';
import { flipTopBottom } from './flip_top_bottom.ts';
import { rotate } from './rotate.ts';
import { shear } from './shear.ts';
import { shift } from './shift.ts';
import { zoom } from './zoom.ts';

/** Every operation, in the order in which they are applied. */
export const operations = [
  flipLeftRight,
  flipTopBottom,
  rotate,
  shear,
  shift,
  zoom,
  brightness,
  contrast,
  colour,
];

/** The operations of these names. @throws {UsageError} naming the one that is not there. */
export function chooseOperations(names: string[]): typeof operations {
  const unknown = names.find((name) => !operations.some((operation) => operation.name === name));
  if (unknown) {
    const known = operations.map(({ name }) => name).join(', ');
    throw new UsageError(`augmentOperations: there is no operation "${unknown}"; there are ${known}.`);
  }
  return operations.filter(({ name }) => names.includes(name));
}
