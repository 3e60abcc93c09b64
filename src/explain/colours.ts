/** RGB, each 0..255. */
export type Colour = readonly [red: number, green: number, blue: number];

/**
 * Viridis, a perceptually uniform colour map that is safe for the colour-blind: dark blue for 0, yellow for 1.
 * Coefficients of a polynomial of degree 6 for each of red, green and blue, constant term first, fitted to matplotlib's
 * table by Matt Zucker (shadertoy.com/view/WlfXRN, public domain).
 */
const viridis = [
  [0.2777273272, 0.1050930431, -0.3308618287, -4.634230499, 6.2282699364, 4.776384998, -5.4354558559],
  [0.0054073445, 1.4046135299, 0.2148475595, -5.799100973, 14.179933367, -13.745145378, 4.6458526122],
  [0.3340998053, 1.3845901626, 0.095095163, -19.332440956, 56.690552601, -65.353032633, 26.31243525],
] as const;

function compute(value: number): Colour {
  const channel = (coefficients: readonly number[]) => {
    const level = coefficients.reduceRight((sum, coefficient) => sum * value + coefficient, 0);
    return Math.round(Math.min(1, Math.max(0, level)) * 255);
  };
  const [red, green, blue] = viridis;
  return [channel(red), channel(green), channel(blue)];
}

const steps = 255;
const table = Array.from({ length: steps + 1 }, (_, index) => compute(index / steps));

/** The viridis colour of a value. @param value 0..1 */
export function colourOf(value: number): Colour {
  return table[Math.round(value * steps)] as Colour;
}

/** Opacity of the hottest pixels; the picture below stays visible. */
const maxOpacity = 0.75;

/**
 * A heat map as an overlay for its picture: transparent where it is 0, bright yellow where it is 1.
 * @param heat [height, width], 0..1.
 * @returns RGBA, uint8 [height, width, 4].
 */
export function colourLayer(heat: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(heat.length * 4);
  for (const [index, value] of heat.entries())
    pixels.set([...colourOf(value), Math.round(value * maxOpacity * 255)], index * 4);
  return pixels;
}
