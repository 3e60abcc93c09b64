import type { GeometryChange, Size } from './operation.ts';
import type { Point } from './warp/matrix.ts';

/** So that a picture is never folded. */
const mostOfTile = 0.49;

/**
 * A picture whose grid corners within it show what lies elsewhere.
 * @param move dx, dy in pixels, of a corner at this share of the width and of the height
 */
export function distorted(
  { width, height }: Size,
  columns: number,
  rows: number,
  move: (across: number, down: number) => Point,
): GeometryChange {
  const displacements = new Float32Array((columns + 1) * (rows + 1) * 2);
  const within = (value: number, tile: number) =>
    Math.max(-mostOfTile * tile, Math.min(mostOfTile * tile, value));
  for (let row = 1; row < rows; row++) {
    for (let column = 1; column < columns; column++) {
      const [dx, dy] = move(column / columns, row / rows);
      const corner = [within(dx, width / columns), within(dy, height / rows)];
      displacements.set(corner, (row * (columns + 1) + column) * 2);
    }
  }
  const grid = { columns, rows, width, height, displacements };
  return {
    kind: 'geometry',
    width,
    height,
    stages: [
      { kind: 'grid', grid },
      { kind: 'clamp', width, height },
    ],
  };
}
