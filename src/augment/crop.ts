import { cropAndResize } from './changes.ts';
import type { GeometryChange, Size } from './operation.ts';
import { flag, number } from './parameters.ts';
import { between, type Random } from './random.ts';

const minSide = 0.1;

/** Parameters of the operations that cut out a part of a picture. */
export const sideParameters = {
  side: number(minSide, 1, 0.8, 'length of the part, as a share of each side'),
  randomise: flag(false, `choose the length at random, from ${minSide} to that share`),
};

/** @returns the share of each side that is kept. */
export function sampleSide(
  random: Random,
  { side, randomise }: { side: number; randomise: boolean },
): number {
  return randomise ? between(random, minSide, side) : side;
}

/**
 * Cuts whole pixels out of a picture: at least one, and no more than it has.
 * @param choose chooses one of so many possible positions, along each side.
 */
export function crop(size: Size, wanted: Size, choose: (positions: number) => number): GeometryChange {
  const limit = (length: number, max: number) => Math.max(1, Math.min(max, Math.floor(length)));
  const to = { width: limit(wanted.width, size.width), height: limit(wanted.height, size.height) };
  const left = choose(size.width - to.width + 1);
  const top = choose(size.height - to.height + 1);
  return cropAndResize(left, top, to, to);
}

export function middle(positions: number): number {
  return (positions - 1) >> 1;
}

export function anywhere(random: Random): (positions: number) => number {
  return (positions) => Math.floor(random() * positions);
}

/** A part of a picture, in whole pixels. */
export interface Rectangle extends Size {
  left: number;
  top: number;
}

/** A rectangle of the size wanted, as far as there is room, at a random position. */
export function randomRectangle(random: Random, wanted: Size, size: Size): Rectangle {
  const width = Math.min(size.width, Math.max(1, Math.round(wanted.width)));
  const height = Math.min(size.height, Math.max(1, Math.round(wanted.height)));
  const left = Math.floor(random() * (size.width - width + 1));
  const top = Math.floor(random() * (size.height - height + 1));
  return { left, top, width, height };
}
