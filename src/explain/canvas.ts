import { dotsOf } from './lettering.ts';

/** Pixels between the edge and the content. */
export const margin = 8;
/** Grey levels, 0..255. */
const background = 24;
const foreground = 230;

/** A dark RGB image to draw squares and text on. */
export class Canvas {
  readonly height: number;
  readonly width: number;
  /** uint8 [height, width, 3]. */
  readonly pixels: Uint8Array;

  constructor(height: number, width: number) {
    this.height = height;
    this.width = width;
    this.pixels = new Uint8Array(height * width * 3).fill(background);
  }

  /** The options that sharp needs to read the pixels. */
  get raw() {
    return { raw: { height: this.height, width: this.width, channels: 3 as const } };
  }

  square(left: number, top: number, side: number, colour: readonly number[]): void {
    for (let y = top; y < top + side; y++) {
      for (let x = left; x < left + side; x++) this.pixels.set(colour, (y * this.width + x) * 3);
    }
  }

  /** Draws one line of text. @param dot pixels per dot of a letter. */
  text(text: string, left: number, top: number, dot: number): void {
    for (const { x, y } of dotsOf(text))
      this.square(left + x * dot, top + y * dot, dot, [foreground, foreground, foreground]);
  }
}
