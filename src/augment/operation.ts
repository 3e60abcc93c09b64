import sharp, { type Sharp } from 'sharp';

/** Decoded pixels: uint8 sRGB [height, width, 3]. */
export interface Picture {
  data: Buffer;
  width: number;
  height: number;
}

/** Uniform in [0, 1). */
export type Random = () => number;

/** One way to vary a picture. Its choices are made by `sample` alone, so that they can be repeated. */
export interface Operation<Parameters = unknown> {
  name: string;
  /** How often it is applied, 0..1. */
  probability: number;
  sample(random: Random): Parameters;
  apply(picture: Picture, parameters: Parameters): Promise<Picture>;
}

/** The operation as one of many, whose parameters only it knows. */
export function operation<Parameters>(definition: Operation<Parameters>): Operation {
  return definition as Operation;
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

/** One sharp pipeline over a picture. */
export async function edit(
  { data, width, height }: Picture,
  change: (image: Sharp) => Sharp,
): Promise<Picture> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const edited = await change(image).raw().toBuffer({ resolveWithObject: true });
  return { data: edited.data, width: edited.info.width, height: edited.info.height };
}

/** The middle of a picture, as large as given, at least one pixel. */
export function cropCentre(picture: Picture, width: number, height: number): Promise<Picture> {
  const size = {
    width: Math.max(1, Math.min(picture.width, Math.floor(width))),
    height: Math.max(1, Math.min(picture.height, Math.floor(height))),
  };
  const left = Math.floor((picture.width - size.width) / 2);
  const top = Math.floor((picture.height - size.height) / 2);
  return edit(picture, (image) => image.extract({ left, top, ...size }));
}
