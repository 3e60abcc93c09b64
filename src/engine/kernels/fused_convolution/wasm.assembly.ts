import { chunkStart } from '../../wasm/assembly/chunks';
import { clamp, highOf, lowOf } from './wasm_activation.assembly';
import { depthwiseRows } from './wasm_depthwise.assembly';
import { gemm } from './wasm_gemm.assembly';
import { gatherPatches } from './wasm_patches.assembly';

/** Rows that gemm computes in whole tiles, of five as of six. */
const tileRows = 30;

/** Below this many rows, chunks share out the outputs instead: tiles at the ends of short chunks would overlap. */
const manyRows = 1024;

/**
 * 1x1 convolution: x [rows, inputs] with a packed filter, plus bias [outputs] and residual (address 0: none), then the
 * activation -> y [rows, outputs].
 */
export function pointwiseFused(
  chunk: i32,
  chunks: i32,
  x: usize,
  filter: usize,
  bias: usize,
  residual: usize,
  y: usize,
  rows: i32,
  inputs: i32,
  outputs: i32,
  activation: i32,
): void {
  const blocks = (outputs + 7) >> 3;
  const tiles = (rows + tileRows - 1) / tileRows;
  if (rows >= manyRows || blocks < chunks) {
    const first = chunkStart(tiles, chunks, chunk) * tileRows;
    const last = min(rows, chunkStart(tiles, chunks, chunk + 1) * tileRows);
    gemm(x, filter, bias, residual, y, first, last, 0, blocks, inputs, outputs, activation);
  } else {
    const first = chunkStart(blocks, chunks, chunk);
    const last = chunkStart(blocks, chunks, chunk + 1);
    gemm(x, filter, bias, residual, y, 0, rows, first, last, inputs, outputs, activation);
  }
}

/**
 * Convolution of x [batch, inHeight, inWidth, inputs] with a packed filter, plus bias [outputs] and residual (address 0:
 * none), then the activation -> y [batch, height, width, outputs]. Each chunk has a part of `patches`, of
 * rowsAtOnce * width * kernelHeight * kernelWidth * inputs numbers. Several rows at once fill the tiles of gemm where rows
 * are short, and read the filter once for all of them.
 */
export function convolveFused(
  chunk: i32,
  chunks: i32,
  x: usize,
  filter: usize,
  bias: usize,
  residual: usize,
  y: usize,
  patches: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inputs: i32,
  height: i32,
  width: i32,
  outputs: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
  rowsAtOnce: i32,
  activation: i32,
): void {
  const depth = kernelHeight * kernelWidth * inputs;
  const blocks = (outputs + 7) >> 3;
  const patchBytes = <usize>(width * depth * 4);
  const own = patches + <usize>chunk * <usize>rowsAtOnce * patchBytes;
  const rowBytes = <usize>(width * outputs * 4);
  const last = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = chunkStart(batch * height, chunks, chunk); row < last; row += rowsAtOnce) {
    const rows = min(rowsAtOnce, last - row);
    for (let i = 0; i < rows; i++) {
      const picture = x + <usize>(((row + i) / height) * inHeight * inWidth * inputs) * 4;
      const to = own + <usize>i * patchBytes;
      gatherPatches(picture, to, (row + i) % height, inHeight, inWidth, inputs, width, kernelHeight, kernelWidth, stride, top, left);
    }
    const target = <usize>row * rowBytes;
    const added = residual ? residual + target : 0;
    gemm(own, filter, bias, added, y + target, 0, rows * width, 0, blocks, depth, outputs, activation);
  }
}

/**
 * Depthwise convolution of x [batch, inHeight, inWidth, channels] with filter [kernelHeight, kernelWidth, channels], plus bias
 * [channels], then the activation -> y [batch, height, width, channels].
 */
export function depthwiseFused(
  chunk: i32,
  chunks: i32,
  x: usize,
  filter: usize,
  bias: usize,
  y: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
  activation: i32,
): void {
  const pixelBytes = <usize>channels << 2;
  const last = chunkStart(batch * height, chunks, chunk + 1);
  for (let row = chunkStart(batch * height, chunks, chunk); row < last; ) {
    const picture = row / height;
    const rows = min(last - picture * height, height);
    const from = x + <usize>(picture * inHeight * inWidth * channels) * 4;
    const to = y + <usize>(picture * height * width * channels) * 4;
    const firstRow = row - picture * height;
    depthwiseRows(from, filter, bias, to, firstRow, rows, inHeight, inWidth, channels, pixelBytes, pixelBytes, channels, width, kernelHeight, kernelWidth, stride, top, left, activation);
    row = picture * height + rows;
  }
}

/** y [size] = activation(y + residual) */
export function addFused(
  chunk: i32,
  chunks: i32,
  y: usize,
  residual: usize,
  size: i32,
  activation: i32,
): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const last = chunk == chunks - 1 ? size : chunkStart(size >> 2, chunks, chunk + 1) << 2;
  let i = chunkStart(size >> 2, chunks, chunk) << 2;
  for (; i + 4 <= last; i += 4) {
    const at = <usize>i << 2;
    v128.store(y + at, clamp(f32x4.add(v128.load(y + at), v128.load(residual + at)), low, high));
  }
  for (; i < last; i++) {
    const at = <usize>i << 2;
    const sum = f32x4.add(v128.load32_zero(y + at), v128.load32_zero(residual + at));
    v128.store_lane<f32>(y + at, clamp(sum, low, high), 0);
  }
}
