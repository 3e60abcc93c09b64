import type { Picture } from '../../src/augment/picture.ts';

/** A picture whose pixels are computed by a function. */
export function pictureOf(
  width: number,
  height: number,
  colour: (x: number, y: number) => number[],
): Picture {
  const pixels = Array.from({ length: width * height }, (_, i) => colour(i % width, Math.floor(i / width)));
  return { data: Buffer.from(pixels.flat()), width, height };
}

/** A greyscale picture with these values, row by row. */
export function greyOf(rows: number[][]): Picture {
  return pictureOf((rows[0] as number[]).length, rows.length, (x, y) => {
    const value = rows[y]?.[x] as number;
    return [value, value, value];
  });
}

/** The red values, row by row. */
export function redsOf({ data, width, height }: Picture): number[][] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[(y * width + x) * 3] as number),
  );
}

export function pixelOf({ data, width }: Picture, x: number, y: number): number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

/** Smooth colours, on which different resampling methods agree closely. */
export function smoothPicture(width: number, height: number): Picture {
  return pictureOf(width, height, (x, y) =>
    [
      128 + 100 * Math.sin((3 * x) / width),
      128 + 100 * Math.cos((4 * y) / height),
      255 * ((x + y) / (width + height)),
    ].map(Math.round),
  );
}

/** The largest and the mean absolute difference between the values of two pictures of one size. */
export function differenceOf(a: Picture, b: Picture): { largest: number; mean: number } {
  let [largest, sum] = [0, 0];
  for (const [at, value] of a.data.entries()) {
    const difference = Math.abs(value - (b.data[at] as number));
    largest = Math.max(largest, difference);
    sum += difference;
  }
  return { largest, mean: sum / a.data.length };
}
