import type { Picture } from '../picture.ts';
import { isAffine, type Point } from './matrix.ts';
import { exportsOf, layOut, margin, tableBytes } from './module.ts';
import { gridBytes, type Stage, stageBytes, trace, writeStages } from './stages.ts';

/** More samples a pixel than this would change nothing that can be seen. */
const mostSamples = 16;

/** One resampling: output pixels, by way of the stages, to pixels of the picture. */
export interface Pass {
  /** Of the output, pixels. */
  width: number;
  height: number;
  stages: Stage[];
  /** sRGB of what is outside; only stages of kind 'mark' leave any. */
  fill: [red: number, green: number, blue: number];
}

/** From this distance of input pixels between neighbouring output pixels on, each is the mean of several samples. */
const severalFrom = 1.5;

/**
 * Samples of an output pixel across and down, so that shrinking does not alias: as many as input pixels lie between
 * neighbouring output pixels, at most, over a few places of the picture.
 */
function samplesOf(pass: Pass): [across: number, down: number] {
  // Affine stages have the same distances everywhere, but for rounding.
  if (pass.stages.every(isUniform) && Math.max(...distancesAt(pass, 0.5, 0.5)) < severalFrom - 0.01)
    return [1, 1];
  const most: [number, number] = [0, 0];
  for (const across of [0.25, 0.5, 0.75]) {
    for (const down of [0.25, 0.5, 0.75]) {
      const distances = distancesAt(pass, across, down);
      for (const axis of [0, 1] as const) most[axis] = Math.max(most[axis], distances[axis]);
    }
  }
  return most.map((distance) =>
    distance < severalFrom ? 1 : Math.min(mostSamples, Math.ceil(distance)),
  ) as [number, number];
}

/** Between where an output pixel comes from and where its right and lower neighbours do, pixels of the picture. */
function distancesAt({ width, height, stages }: Pass, across: number, down: number): [number, number] {
  const [x, y] = [across * width, down * height];
  const here = trace(stages, [x, y]);
  const to = (there: Point) => Math.hypot(there[0] - here[0], there[1] - here[1]);
  return [to(trace(stages, [x + 1, y])), to(trace(stages, [x, y + 1]))];
}

function isUniform(stage: Stage): boolean {
  return stage.kind === 'matrix' ? isAffine(stage.matrix) : stage.kind !== 'grid';
}

function rowBytesOf(width: number, samples: number): number {
  return 12 * (width * samples + 4) + 16 * (width + 4);
}

/**
 * A picture resampled once, bilinear, the mean of several samples where it shrinks; edges are repeated.
 * @param table 3 x 256 values that replace those of red, green and blue.
 */
export function warp({ data, width, height }: Picture, pass: Pass, table?: Uint8Array): Picture {
  const { memory, warp: run } = exportsOf();
  const [across, down] = samplesOf(pass);
  const [stages, grids, tables, rows, source, output] = layOut([
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
  const pixels = Buffer.from(bytes.subarray(output, output + pass.width * pass.height * 3));
  return { data: pixels, width: pass.width, height: pass.height };
}

/** Pixels of any kind, such as a mask's. */
export interface Raster {
  data: Uint8Array;
  width: number;
  height: number;
  bytesPerPixel: number;
}

/** A raster resampled by the nearest pixel; what is outside is zero. */
export function warpNearest({ data, width, height, bytesPerPixel }: Raster, pass: Pass): Raster {
  const { memory, coordinates } = exportsOf();
  const padded = (pass.width + 3) & ~3;
  const [stages, grids, xs, ys] = layOut([
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
