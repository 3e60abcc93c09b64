import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
  equalise,
  posteriseValues,
  solariseValues,
  stretchContrast,
} from './adjust.ts';
import { transformed, withFill } from './changes.ts';
import type { Change, Size } from './operation.ts';
import type { Random } from './random.ts';
import { rotation } from './rotation.ts';
import { affine, type Matrix } from './warp/matrix.ts';

/** How far each operation of a policy goes at its strongest. */
export interface MaxStrengths {
  /** Share of the height or width. */
  shear: number;
  /** Pixels, for a side of this length. */
  translate(side: number): number;
  degrees: number;
  /** Distance from 1 of the factors of brightness, colour, contrast and sharpness. */
  factor: number;
  /** Bits that posterising removes. */
  bits: number;
}

/** @param strength as a share of the strongest, 0..1. */
type PolicyOperation = (random: Random, strength: number, size: Size) => Change | Change[];

/** What fills empty corners: the grey of the papers' own program. */
const grey = '#808080';

/** The fourteen operations of AutoAugment, as RandAugment and TrivialAugment use them. */
export function policyOperations(max: MaxStrengths): PolicyOperation[] {
  const signed = (random: Random, value: number) => (random() < 0.5 ? -value : value);
  const move = (size: Size, matrix: Matrix) => withFill(transformed(size, matrix), grey, size);
  const factor = (random: Random, strength: number) => 1 + signed(random, max.factor * strength);
  // Shear and translation start from the upper left corner, as in Pillow.
  const shearX = (by: number, size: Size) => move(size, affine(1, by, 0, 0, 1, 0));
  const shearY = (by: number, size: Size) => move(size, affine(1, 0, 0, by, 1, 0));
  const translate = (x: number, y: number, size: Size) => move(size, affine(1, 0, -x, 0, 1, -y));
  const maxPixels = (side: number, strength: number) => Math.round(max.translate(side) * strength);

  return [
    () => [],
    () => stretchContrast,
    () => equalise,
    (random, strength, size) => move(size, rotation(signed(random, max.degrees * strength), 1, size)),
    (_random, strength) => solariseValues(256 * (1 - strength)),
    (_random, strength) => posteriseValues(8 - Math.round(max.bits * strength)),
    (random, strength) => adjustSaturation(factor(random, strength)),
    (random, strength) => adjustContrast(factor(random, strength)),
    (random, strength) => adjustBrightness(factor(random, strength)),
    (random, strength) => adjustSharpness(factor(random, strength)),
    (random, strength, size) => shearX(signed(random, max.shear * strength), size),
    (random, strength, size) => shearY(signed(random, max.shear * strength), size),
    (random, strength, size) => translate(signed(random, maxPixels(size.width, strength)), 0, size),
    (random, strength, size) => translate(0, signed(random, maxPixels(size.height, strength)), size),
  ];
}
