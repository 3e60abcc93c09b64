import {
  brighter,
  equalised,
  moreColour,
  moreContrast,
  posterised,
  sharper,
  solarised,
  stretched,
} from './enhance.ts';
import { type Change, filled, mapped, type Random, type Size } from './operation.ts';
import { turn } from './turn.ts';
import { affine, type Matrix } from './warp/matrix.ts';

/** How strong an operation of a policy is at its strongest. */
export interface Strengths {
  /** Of the height or width. */
  shear: number;
  /** Pixels. */
  translate(side: number): number;
  degrees: number;
  /** Of the factors of brightness, colour, contrast and sharpness from 1. */
  factor: number;
  /** Bits that posterising takes away. */
  bits: number;
}

/** What empty corners become: the grey of the papers' own program. */
const grey = '#808080';

/**
 * The fourteen operations of AutoAugment, as RandAugment and TrivialAugment use them.
 * @param strength 0..1 of the strongest
 */
export function policyOperations(strengths: Strengths) {
  const signed = (random: Random, most: number) => (random() < 0.5 ? -most : most);
  const moved = (size: Size, matrix: Matrix) => filled(mapped(size, matrix), grey, size);
  const factor = (random: Random, strength: number) => 1 + signed(random, strengths.factor * strength);
  // Sheared and moved about the upper left corner, as Pillow does.
  const shearX = (by: number, size: Size) => moved(size, affine(1, by, 0, 0, 1, 0));
  const shearY = (by: number, size: Size) => moved(size, affine(1, 0, 0, by, 1, 0));
  const translate = (x: number, y: number, size: Size) => moved(size, affine(1, 0, -x, 0, 1, -y));

  return [
    () => [],
    () => stretched,
    () => equalised,
    (random, strength, size) => moved(size, turn(signed(random, strengths.degrees * strength), 1, size)),
    (_random, strength) => solarised(256 * (1 - strength)),
    (_random, strength) => posterised(8 - Math.round(strengths.bits * strength)),
    (random, strength) => moreColour(factor(random, strength)),
    (random, strength) => moreContrast(factor(random, strength)),
    (random, strength) => brighter(factor(random, strength)),
    (random, strength) => sharper(factor(random, strength)),
    (random, strength, size) => shearX(signed(random, strengths.shear * strength), size),
    (random, strength, size) => shearY(signed(random, strengths.shear * strength), size),
    (random, strength, size) =>
      translate(signed(random, Math.round(strengths.translate(size.width) * strength)), 0, size),
    (random, strength, size) =>
      translate(0, signed(random, Math.round(strengths.translate(size.height) * strength)), size),
  ] satisfies ((random: Random, strength: number, size: Size) => Change | Change[])[] as ((
    random: Random,
    strength: number,
    size: Size,
  ) => Change | Change[])[];
}
