import { transformed } from './changes.ts';
import type { GeometryChange, Size } from './operation.ts';
import { number } from './parameters.ts';
import { oneOf, type Random } from './random.ts';
import { invert, type Point, toQuadrilateral } from './warp/matrix.ts';

/** Corners (0 top left, 1 top right, 2 bottom right, 3 bottom left) and the directions in which they move. */
export type Skew = [corner: 0 | 1 | 2 | 3, x: -1 | 0 | 1, y: -1 | 0 | 1][];

export const skewParameters = {
  magnitude: number(0, 1, 0.25, 'how far a corner is pulled outwards at most, as a share of the longer side'),
};

export const leftRight: Skew[] = [
  [
    [0, 0, -1],
    [3, 0, 1],
  ],
  [
    [1, 0, -1],
    [2, 0, 1],
  ],
];

export const topBottom: Skew[] = [
  [
    [0, -1, 0],
    [1, 1, 0],
  ],
  [
    [2, 1, 0],
    [3, -1, 0],
  ],
];

export const corner: Skew[] = [
  [[0, -1, 0]],
  [[0, 0, -1]],
  [[1, 1, 0]],
  [[1, 0, -1]],
  [[2, 1, 0]],
  [[2, 0, 1]],
  [[3, -1, 0]],
  [[3, 0, 1]],
];

/** Pulls corners out of the frame, as if the picture was seen from one side; so no empty corner shows. */
export function skewed(random: Random, magnitude: number, size: Size, skews: Skew[]): GeometryChange {
  const amount = random() * magnitude * Math.max(size.width, size.height);
  const corners: [Point, Point, Point, Point] = [
    [0, 0],
    [size.width, 0],
    [size.width, size.height],
    [0, size.height],
  ];
  for (const [corner, x, y] of oneOf(random, skews)) {
    corners[corner][0] += x * amount;
    corners[corner][1] += y * amount;
  }
  return transformed(size, invert(toQuadrilateral(size.width, size.height, corners)));
}
