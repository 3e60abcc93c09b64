import type { Fill, Parameters, ValuesOf } from './parameters.ts';
import type { Picture } from './picture.ts';
import type { Matrix } from './warp/matrix.ts';
import type { Stage } from './warp/stages.ts';

/** Uniform in [0, 1). */
export type Random = () => number;

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

export type Colour = [red: number, green: number, blue: number];

/** Where each output pixel comes from; masks follow it. Geometry that follows geometry is one resampling. */
export interface GeometryChange {
  kind: 'geometry';
  /** Of the output. */
  width: number;
  height: number;
  stages: Stage[];
  /** What is outside, where a stage marks it. */
  fill?: Colour;
}

/** 3 x 256 values that replace those of red, green and blue. Tables that follow each other become one. */
export interface ValuesChange {
  kind: 'values';
  table: Uint8Array;
}

/** The same, where the table depends on the picture. */
export interface MeasuredChange {
  kind: 'measured';
  table(picture: Picture): Uint8Array;
}

/** Anything else that leaves every pixel in its place. The picture given is to be left as it is. */
export interface PixelsChange {
  kind: 'pixels';
  change(picture: Picture): Picture | Promise<Picture>;
}

/** Another source mixed in, which changes the label too. */
export interface MixChange {
  kind: 'mix';
  /** What is left of the picture itself, 0..1. */
  share: number;
  /** Says which source is mixed in: see partnerOf. */
  partner: string;
  /** @param other of the picture's size. */
  blend(picture: Picture, other: Picture): Picture;
}

/** What an operation, its choices made, does to a picture. */
export type Change = GeometryChange | ValuesChange | MeasuredChange | PixelsChange | MixChange;

/** One way to vary a picture. */
export interface Operation<P extends Parameters = Parameters> {
  name: string;
  /** What it does, in a line. */
  summary: string;
  /** How often it is done where nothing else is said, 0..1. */
  probability: number;
  /** Set where it blends in another source, so that its changes are of kind 'mix' and the label is shared. */
  mixes?: true;
  parameters: P;
  /** Makes the choices: the same random numbers, the same change. */
  sample(random: Random, parameters: ValuesOf<P>, size: Size): Change | Change[];
}

/** An operation with its parameters' types as they are. */
export function operation<const Name extends string, P extends Parameters>(
  definition: Operation<P> & { name: Name },
): Operation<P> & { name: Name } {
  return definition;
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

/** One of the list, each as likely. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** Of the normal distribution with mean 0 and variance 1 (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function colourOf(hex: string): Colour {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as Colour;
}

/** A picture of the same size whose pixels come from where the matrix says, all of it inside. */
export function mapped({ width, height }: Size, matrix: Matrix): GeometryChange {
  return { kind: 'geometry', width, height, stages: [{ kind: 'matrix', matrix }] };
}

/** A part of a picture, in pixels, stretched to a size. */
export function part(left: number, top: number, from: Size, to: Size): GeometryChange {
  const matrix: Matrix = [from.width / to.width, 0, left, 0, from.height / to.height, top, 0, 0, 1];
  return { kind: 'geometry', width: to.width, height: to.height, stages: [{ kind: 'matrix', matrix }] };
}

/** A change whose stages leave the picture of `size`: what is outside becomes the fill. */
export function filled(change: GeometryChange, fill: Fill, { width, height }: Size): GeometryChange {
  const kind = fill === 'edge' ? 'clamp' : 'mark';
  const stages = [...change.stages, { kind, width, height } as const];
  return fill === 'edge' ? { ...change, stages } : { ...change, stages, fill: colourOf(fill) };
}

/** The same table for each colour. */
export function values(replace: (value: number) => number): ValuesChange {
  const one = new Uint8ClampedArray(256);
  for (let value = 0; value < 256; value++) one[value] = replace(value);
  const table = new Uint8Array(768);
  for (const at of [0, 256, 512]) table.set(one, at);
  return { kind: 'values', table };
}

/** ITU-R BT.601 luma, 0..255. */
export function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** A change of each pixel's colour by itself. `replace` writes into the output at the place given. */
export function pixelwise(replace: (input: Buffer, output: Buffer, at: number) => void): PixelsChange {
  return {
    kind: 'pixels',
    change({ data, width, height }) {
      const output = Buffer.allocUnsafe(data.length);
      for (let at = 0; at < data.length; at += 3) replace(data, output, at);
      return { data: output, width, height };
    },
  };
}

/** 0..255, rounded. */
export function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}
