/** A projective map, row by row: x' = (a x + b y + c) / (g x + h y + k), y' = (d x + e y + f) / (g x + h y + k). */
export type Matrix = [
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
  k: number,
];

export type Point = [x: number, y: number];

/** Affine: x' = a x + b y + c, y' = d x + e y + f. */
export function affine(a: number, b: number, c: number, d: number, e: number, f: number): Matrix {
  return [a, b, c, d, e, f, 0, 0, 1];
}

export function isAffine([, , , , , , g, h, k]: Matrix): boolean {
  return g === 0 && h === 0 && k === 1;
}

/** The map that applies `first`, then `second`. */
export function compose(first: Matrix, second: Matrix): Matrix {
  const at = (row: number, column: number) =>
    [0, 1, 2].reduce(
      (sum, i) => sum + (second[3 * row + i] as number) * (first[3 * i + column] as number),
      0,
    );
  return [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => at(row, column))) as Matrix;
}

/** Applies a map to a point. */
export function transform([a, b, c, d, e, f, g, h, k]: Matrix, [x, y]: Point): Point {
  const w = g * x + h * y + k;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}

/**
 * The projective map that takes the corners of [0, width] x [0, height] (top left, top right, bottom right, bottom
 * left) to four points, of which no three lie on a line. (Heckbert 1989, "Fundamentals of Texture Mapping and Image
 * Warping", 2.2.3.)
 */
export function toQuadrilateral(
  width: number,
  height: number,
  [[x0, y0], [x1, y1], [x2, y2], [x3, y3]]: [Point, Point, Point, Point],
): Matrix {
  const sumX = x0 - x1 + x2 - x3;
  const sumY = y0 - y1 + y2 - y3;
  const [ux, uy, vx, vy] = [x1 - x2, y1 - y2, x3 - x2, y3 - y2];
  const determinant = ux * vy - uy * vx;
  const g = (sumX * vy - sumY * vx) / determinant;
  const h = (ux * sumY - uy * sumX) / determinant;
  const unit: Matrix = [
    x1 - x0 + g * x1,
    x3 - x0 + h * x3,
    x0,
    y1 - y0 + g * y1,
    y3 - y0 + h * y3,
    y0,
    g,
    h,
    1,
  ];
  return compose([1 / width, 0, 0, 0, 1 / height, 0, 0, 0, 1], unit);
}

/** The inverse of a map; a common factor of all entries does not matter. */
export function invert([a, b, c, d, e, f, g, h, k]: Matrix): Matrix {
  const adjugate = [
    e * k - f * h,
    c * h - b * k,
    b * f - c * e,
    f * g - d * k,
    a * k - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
  const last = adjugate[8] as number;
  return adjugate.map((value) => value / last) as Matrix;
}
