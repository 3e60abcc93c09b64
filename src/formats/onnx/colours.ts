import { sliced } from './folding.ts';
import type { Colours, Item, Reading } from './reading.ts';

/**
 * Graphs that take the colours of the pictures apart: torchvision's GoogLeNet and Inception scale each by its own numbers
 * (transform_input), others put them in OpenCV's order. Put together again they are the pictures, scaled or reversed.
 */

/** The axis of the colours, where the node's axis is that. */
function isColourAxis(reading: Reading, axis: number): boolean {
  const { value, layout } = reading.operand();
  const counted = axis < 0 ? axis + 4 : axis;
  return value.layer === undefined && counted === (layout === 'nchw' ? 1 : 3);
}

function take(reading: Reading, indices: number[]): Item {
  const { value, layout } = reading.operand();
  const last = (value.shape[2] as number) - 1;
  const colours = indices.map((index) => {
    const counted = index < 0 ? index + last + 1 : index;
    if (!(counted >= 0 && counted <= last)) reading.fail(`takes the colour ${index} of ${last + 1}`);
    return { index: counted, factor: 1, offset: 0 };
  });
  return together(reading, { kind: 'colours', of: value, layout, colours });
}

/** All colours in the pictures' order, or in the reverse order, are pictures again. */
function together({ builder, where }: Reading, all: Colours): Item {
  const { of: value, layout, colours } = all;
  const order = colours.map(({ index }) => index).join();
  if (value.shape[2] !== 3 || !['0,1,2', '2,1,0'].includes(order)) return all;
  const inOrder = colours.toSorted((one, other) => one.index - other.index);
  const affine = {
    factors: inOrder.map(({ factor }) => factor),
    offsets: inOrder.map(({ offset }) => offset),
  };
  const scaled = builder.scaling.normalise(value, affine, where);
  const ordered = order === '2,1,0' ? builder.reverseChannels(scaled, where) : scaled;
  return { kind: 'value', value: ordered, layout };
}

/** Refuses what takes a part of maps. */
export function refusePart(reading: Reading): never {
  return reading.fail('takes a part of maps; bat-sup can only take the colours of the pictures apart');
}

/** Reads a Gather of colours. */
export function gatherColours(reading: Reading): Item {
  if (!isColourAxis(reading, reading.int('axis', 0))) refusePart(reading);
  return take(reading, [...reading.required(1).values]);
}

/** Reads a Slice of colours, or one that takes everything. */
export function sliceColours(reading: Reading): Item {
  const numbers = (name: string, index: number) =>
    reading.ints(name) ?? [...(reading.constant(index)?.values ?? [])];
  const [starts, ends, axes] = [numbers('starts', 1), numbers('ends', 2), numbers('axes', 3)];
  const steps = numbers('steps', 4);
  const dimensions = reading.dimensions();
  // The number of pictures may be open.
  const isWhole = (end: number, index: number) => end >= (dimensions[axes[index] ?? index] || 2 ** 31 - 1);
  const isPaired = starts.length === ends.length && starts.length > 0;
  if (
    isPaired &&
    ends.every(isWhole) &&
    starts.every((start) => start === 0) &&
    steps.every((step) => step === 1)
  )
    return reading.operand();
  if (starts.length !== 1 || !isColourAxis(reading, axes[0] ?? 0)) refusePart(reading);
  const range: [number, number, number] = [starts[0] as number, ends[0] as number, steps[0] ?? 1];
  return take(reading, sliced(reading, reading.operand().value.shape[2] as number, range));
}

/** Reads a Concat of colours. */
export function joinColours(reading: Reading): Item | undefined {
  const parts = reading.inputs.filter((item) => item?.kind === 'colours');
  const [first] = parts;
  if (!first) return undefined;
  if (parts.length < reading.inputs.length || parts.some(({ of }) => of !== first.of))
    reading.fail('puts colours of the pictures beside something else');
  return together(reading, { ...first, colours: parts.flatMap(({ colours }) => colours) });
}

/** Scales and shifts colours by one number each. */
export function scaleColours(item: Colours, { factor, offset }: { factor: number; offset: number }): Colours {
  const colours = item.colours.map((colour) => ({
    index: colour.index,
    factor: colour.factor * factor,
    offset: colour.offset * factor + offset,
  }));
  return { ...item, colours };
}
