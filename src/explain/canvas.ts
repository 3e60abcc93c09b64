import { dotsOf } from './lettering.ts';

/** Pixels around what is painted. */
export const margin = 8;
/** Grey, of each channel. */
const ground = 24;
const ink = 230;

/** RGB pixels, dark, that can be painted on. */
export class Canvas {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;

  constructor(height: number, width: number) {
    this.height = height;
    this.width = width;
    this.pixels = new Uint8Array(height * width * 3).fill(ground);
  }

  /** What sharp is told of the pixels. */
  get raw() {
    return { raw: { height: this.height, width: this.width, channels: 3 as const } };
  }

  square(left: number, top: number, side: number, colour: readonly number[]): void {
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) this.pixels.set(colour, (y * this.width + x) * 3);
    }
  }

  text(text: string, left: number, top: number, dot: number): void {
    for (const { x, y } of dotsOf(text)) this.square(left + x * dot, top + y * dot, dot, [ink, ink, ink]);
  }
}
