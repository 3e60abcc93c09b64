import { isAffine, type Matrix, type Point, transform } from './matrix.ts';

/** Displacements of the corners of columns x rows equal tiles, which cover a picture of this size in pixels. */
export interface Grid {
  columns: number;
  rows: number;
  width: number;
  height: number;
  /** dx and dy of each corner, in pixels: float32 [rows + 1, columns + 1, 2]. */
  displacements: Float32Array;
}

/**
 * One step on the way from an output pixel back to the input pixel that it shows. Coordinates are in pixels, with pixel centres
 * at .5. A point outside a picture of this size becomes the nearest one on its edge (`clamp`), or takes the fill (`mark`).
 */
export type Stage =
  | { kind: 'matrix'; matrix: Matrix }
  | { kind: 'grid'; grid: Grid }
  | { kind: 'clamp' | 'mark'; width: number; height: number };

/** Bytes of one stage in memory: see assembly/coordinates.ts. */
export const stageBytes = 64;

const kinds = { affine: 1, projective: 2, grid: 3, clamp: 4, mark: 5 };

/** Bytes of the grids in these stages. */
export function gridBytes(stages: Stage[]): number {
  return stages.reduce(
    (sum, stage) => sum + (stage.kind === 'grid' ? stage.grid.displacements.byteLength + 16 : 0),
    0,
  );
}

/** Writes stages to an address in a memory, and their grids to another. */
export function writeStages(stages: Stage[], buffer: ArrayBuffer, address: number, grids: number): void {
  let gridAddress = grids;
  for (const [index, stage] of stages.entries()) {
    const start = (address + index * stageBytes) / 4;
    const integers = new Int32Array(buffer, start * 4, stageBytes / 4);
    const reals = new Float32Array(buffer, start * 4, stageBytes / 4);
    if (stage.kind === 'matrix') {
      integers[0] = isAffine(stage.matrix) ? kinds.affine : kinds.projective;
      reals.set(stage.matrix, 1);
    } else if (stage.kind === 'grid') {
      const { columns, rows, width, height, displacements } = stage.grid;
      integers.set([kinds.grid, columns, rows]);
      reals.set([columns / width, rows / height], 3);
      integers[5] = gridAddress;
      new Float32Array(buffer, gridAddress, displacements.length).set(displacements);
      gridAddress += displacements.byteLength + 16;
    } else {
      integers[0] = kinds[stage.kind];
      reals.set([stage.width, stage.height], 1);
    }
  }
}

/** Takes one output point back to the input, as the WebAssembly kernel does for whole rows. */
export function trace(stages: Stage[], start: Point): Point {
  let [x, y] = start;
  for (const stage of stages) {
    if (stage.kind === 'matrix') [x, y] = transform(stage.matrix, [x, y]);
    else if (stage.kind === 'grid') {
      const [dx, dy] = displacementAt(stage.grid, [x, y]);
      [x, y] = [x + dx, y + dy];
    }
  }
  return [x, y];
}

/** Interpolates between the corners of a tile, bilinearly. */
function displacementAt({ columns, rows, width, height, displacements }: Grid, [x, y]: Point): Point {
  const across = Math.min(Math.max((x * columns) / width, 0), columns);
  const down = Math.min(Math.max((y * rows) / height, 0), rows);
  const column = Math.min(Math.floor(across), columns - 1);
  const row = Math.min(Math.floor(down), rows - 1);
  const [right, below] = [across - column, down - row];
  const corner = (i: number, j: number, axis: number) =>
    displacements[((row + j) * (columns + 1) + column + i) * 2 + axis] as number;
  const mixed = (axis: number) =>
    (corner(0, 0, axis) * (1 - right) + corner(1, 0, axis) * right) * (1 - below) +
    (corner(0, 1, axis) * (1 - right) + corner(1, 1, axis) * right) * below;
  return [mixed(0), mixed(1)];
}
