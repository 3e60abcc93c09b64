import { between, type GeometryChange, part, type Random, type Size } from './operation.ts';
import { flag, number } from './parameters.ts';

const leastSide = 0.1;

/** Of the operations that take a part of a picture. */
export const sideParameters = {
  side: number(leastSide, 1, 0.8, 'how much of each side the part has'),
  randomise: flag(false, `take from ${leastSide} to that much`),
};

export function sampleSide(
  random: Random,
  { side, randomise }: { side: number; randomise: boolean },
): number {
  return randomise ? between(random, leastSide, side) : side;
}

/**
 * Whole pixels of a picture, as many as given and at least one.
 * @param choose which of so many places is taken, along each side
 */
export function crop(size: Size, wanted: Size, choose: (places: number) => number): GeometryChange {
  const limit = (length: number, most: number) => Math.max(1, Math.min(most, Math.floor(length)));
  const to = { width: limit(wanted.width, size.width), height: limit(wanted.height, size.height) };
  const left = choose(size.width - to.width + 1);
  const top = choose(size.height - to.height + 1);
  return part(left, top, to, to);
}

export function middle(places: number): number {
  return (places - 1) >> 1;
}

export function anywhere(random: Random): (places: number) => number {
  return (places) => Math.floor(random() * places);
}
