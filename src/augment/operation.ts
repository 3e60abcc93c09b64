import type { Parameters, ValuesOf } from './parameters.ts';
import type { Picture } from './picture.ts';
import type { Random } from './random.ts';
import type { Stage } from './warp/stages.ts';

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

export type Colour = [red: number, green: number, blue: number];

/** Says where each output pixel comes from; masks follow. Consecutive geometry changes are one resampling. */
export interface GeometryChange {
  kind: 'geometry';
  /** Size of the output, pixels. */
  width: number;
  height: number;
  stages: Stage[];
  /** Colour of what lies outside the picture, where a stage marks it. */
  fill?: Colour;
}

/** Replaces each value through a table. Consecutive tables become one. */
export interface LookupChange {
  kind: 'lookup';
  /** uint8 [3, 256]: what replaces each value of red, green and blue. */
  table: Uint8Array;
}

/** Replaces each value through a table that depends on the picture, such as on its histogram. */
export interface AdaptiveLookupChange {
  kind: 'adaptiveLookup';
  /** @returns uint8 [3, 256]. */
  table(picture: Picture): Uint8Array;
}

/** Any other change that leaves every pixel where it is. It must not write into the picture that it is given. */
export interface PixelChange {
  kind: 'pixels';
  change(picture: Picture): Picture | Promise<Picture>;
}

/** Blends in another source, which changes the label too. */
export interface MixChange {
  kind: 'mix';
  /** How much of the picture itself is left, 0..1: its share of the label. */
  share: number;
  /** A random key that chooses the other source: see choosePartner. */
  partner: string;
  /** @param other of the picture's size. */
  blend(picture: Picture, other: Picture): Picture;
}

/** What an operation does to a picture once its random choices are made. */
export type Change = GeometryChange | LookupChange | AdaptiveLookupChange | PixelChange | MixChange;

/** One way to vary a picture. */
export interface Operation<P extends Parameters = Parameters> {
  name: string;
  /** What it does, in a line. */
  summary: string;
  /** How often it is applied by default, 0..1. */
  probability: number;
  /** Set where it blends in another source, so that its changes are of kind 'mix' and the label is shared. */
  mixes?: true;
  parameters: P;
  /** Makes the random choices: the same random numbers give the same change. */
  sample(random: Random, parameters: ValuesOf<P>, size: Size): Change | Change[];
}

/** Defines an operation; its name and the types of its parameters stay known to TypeScript. */
export function operation<const Name extends string, P extends Parameters>(
  definition: Operation<P> & { name: Name },
): Operation<P> & { name: Name } {
  return definition;
}
