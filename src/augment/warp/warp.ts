import { copyOf } from '../buffers.ts';
import type { Picture } from '../picture.ts';
import { isAffine, type Point } from './matrix.ts';
import { allocate, loadKernels, margin, tableBytes } from './module.ts';
import { gridBytes, type Stage, stageBytes, trace, writeStages } from './stages.ts';

/** Most samples per pixel along each side; more would make no visible difference. */
const maxSamples = 16;

/** One resampling: the stages take output pixels to pixels of the picture. */
export interface Pass {
  /** Size of the output, pixels. */
  width: number;
  height: number;
  stages: Stage[];
  /** Colour of what is outside the picture, where a stage of kind 'mark' finds it. */
  fill: [red: number, green: number, blue: number];
}

/** Neighbouring output pixels that are at least so many input pixels apart are the mean of several samples. */
const minDistanceForSamples = 1.5;

/**
 * Samples per output pixel, across and down, so that shrinking does not alias: the largest number of input pixels between
 * neighbouring output pixels, measured at nine points.
 */
function samplesOf(pass: Pass): [across: number, down: number] {
  // Distances of affine stages are the same everywhere, except for rounding.
  if (pass.stages.every(isUniform) && Math.max(...distancesAt(pass, 0.5, 0.5)) < minDistanceForSamples - 0.01)
    return [1, 1];
  const max: [number, number] = [0, 0];
  for (const across of [0.25, 0.5, 0.75]) {
    for (const down of [0.25, 0.5, 0.75]) {
      const distances = distancesAt(pass, across, down);
      for (const axis of [0, 1] as const) max[axis] = Math.max(max[axis], distances[axis]);
    }
  }
  return max.map((distance) =>
    distance < minDistanceForSamples ? 1 : Math.min(maxSamples, Math.ceil(distance)),
  ) as [number, number];
}

/** Distances in input pixels between where an output pixel and its right and lower neighbours come from. */
function distancesAt({ width, height, stages }: Pass, across: number, down: number): [number, number] {
  const [x, y] = [across * width, down * height];
  const here = trace(stages, [x, y]);
  const to = (there: Point) => Math.hypot(there[0] - here[0], there[1] - here[1]);
  return [to(trace(stages, [x + 1, y])), to(trace(stages, [x, y + 1]))];
}

/** Whether distances are the same everywhere. */
function isUniform(stage: Stage): boolean {
  return stage.kind === 'matrix' ? isAffine(stage.matrix) : stage.kind !== 'grid';
}

/** Bytes of the kernel's buffers for a row. */
function rowBytesOf(width: number, samples: number): number {
  return 12 * (width * samples + 4) + 16 * (width + 4);
}

/**
 * Resamples a picture: bilinear, the mean of several samples where it shrinks, with edges repeated.
 * @param table uint8 [3, 256], which replaces the values of red, green and blue afterwards.
 */
export function warp({ data, width, height }: Picture, pass: Pass, table?: Uint8Array): Picture {
  const { memory, warp: run } = loadKernels();
  const [across, down] = samplesOf(pass);
  const [stages, grids, tables, rows, source, output] = allocate([
    pass.stages.length * stageBytes,
    gridBytes(pass.stages),
    tableBytes,
    rowBytesOf(pass.width, across),
    data.length + width * 3 + margin,
    pass.width * pass.height * 3 + margin,
  ]) as [number, number, number, number, number, number];
  writeStages(pass.stages, memory.buffer, stages, grids);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(data, source);
  if (table) bytes.set(table, tables);
  const [red, green, blue] = pass.fill;
  const fill = red | (green << 8) | (blue << 16);
  const to = [output, pass.width, pass.height];
  run(stages, pass.stages.length, source, width, height, ...to, across, down, fill, table ? tables : 0, rows);
  const pixels = copyOf(bytes.subarray(output, output + pass.width * pass.height * 3));
  return { data: pixels, width: pass.width, height: pass.height };
}

/** Pixels of any type, such as a mask's: [height, width, bytesPerPixel]. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
  bytesPerPixel: number;
}

/** Resamples a raster by the nearest pixel; what is outside is zero. */
export function warpNearest({ data, width, height, bytesPerPixel }: Raster, pass: Pass): Raster {
  const { memory, coordinates } = loadKernels();
  const padded = (pass.width + 3) & ~3;
  const [stages, grids, xs, ys] = allocate([
    pass.stages.length * stageBytes,
    gridBytes(pass.stages),
    padded * 4,
    padded * 4,
  ]) as [number, number, number, number];
  writeStages(pass.stages, memory.buffer, stages, grids);
  const x = new Float32Array(memory.buffer, xs, padded);
  const y = new Float32Array(memory.buffer, ys, padded);
  const output = new Uint8Array(pass.width * pass.height * bytesPerPixel);
  for (let row = 0, to = 0; row < pass.height; row++) {
    coordinates(stages, pass.stages.length, xs, ys, padded, row + 0.5, 1);
    for (let i = 0; i < pass.width; i++, to += bytesPerPixel) {
      const across = x[i] as number;
      if (Number.isNaN(across)) continue;
      const column = Math.min(Math.max(Math.floor(across), 0), width - 1);
      const line = Math.min(Math.max(Math.floor(y[i] as number), 0), height - 1);
      const from = (line * width + column) * bytesPerPixel;
      for (let byte = 0; byte < bytesPerPixel; byte++) output[to + byte] = data[from + byte] as number;
    }
  }
  return { data: output, width: pass.width, height: pass.height, bytesPerPixel };
}
