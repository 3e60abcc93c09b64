import { chunkStart } from '../../wasm/assembly/chunks';
import { depthwiseRows } from '../fused_convolution/wasm_depthwise.assembly';
import { gemm } from '../fused_convolution/wasm_gemm.assembly';

/**
 * The expansion of an inverted residual block and its depthwise convolution, each with bias and activation: x [batch,
 * inHeight, inWidth, inputs] -> y [batch, height, width, channels]. Chunks share out groups of channels. Of the expanded
 * maps only what a strip of output rows needs of one group is kept, so that it stays in the cache: in the chunk's part of
 * `strips`, as [rows, inWidth, groupChannels] when it is computed, and behind that with zeros at the sides, as [rows,
 * paddedWidth, groupChannels].
 */
export function expandDepthwise(
  chunk: i32,
  chunks: i32,
  x: usize,
  expandFilter: usize,
  expandBias: usize,
  filter: usize,
  bias: usize,
  y: usize,
  strips: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  paddedWidth: i32,
  inputs: i32,
  height: i32,
  width: i32,
  channels: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  stride: i32,
  top: i32,
  left: i32,
  activation: i32,
  groupChannels: i32,
  stripRows: i32,
): void {
  const groups = (channels + groupChannels - 1) / groupChannels;
  const maxRows = (stripRows - 1) * stride + kernelHeight;
  const expandedBytes = <usize>(maxRows * inWidth * groupChannels * 4);
  const paddedBytes = <usize>(maxRows * paddedWidth * groupChannels * 4);
  const expanded = strips + <usize>chunk * (expandedBytes + paddedBytes);
  const padded = expanded + expandedBytes;
  let clearedFor = 0;
  const last = chunkStart(groups * batch, chunks, chunk + 1);
  for (let unit = chunkStart(groups * batch, chunks, chunk); unit < last; unit++) {
    const picture = unit % batch;
    const channel = (unit / batch) * groupChannels;
    const own = min(groupChannels, channels - channel);
    if (own != clearedFor) memory.fill(padded, 0, paddedBytes);
    clearedFor = own;
    const from = x + <usize>(picture * inHeight * inWidth * inputs) * 4;
    const to = y + <usize>(picture * height * width * channels + channel) * 4;
    const expandWeights = expandFilter + <usize>(channel * inputs) * 4;
    const offset = <usize>channel << 2;
    const rowBytes = <usize>(inWidth * own) << 2;
    const paddedRowBytes = <usize>(paddedWidth * own) << 2;
    const firstPixel = padded + (<usize>(left * own) << 2);
    // The expanded rows first...end are in the strip.
    let first = 0;
    let end = 0;
    for (let row = 0; row < height; row += stripRows) {
      const lastRow = min(height, row + stripRows);
      const neededFirst = max(0, row * stride - top);
      const neededEnd = min(inHeight, (lastRow - 1) * stride - top + kernelHeight);
      const kept = max(0, end - neededFirst);
      const keptBytes = <usize>kept * paddedRowBytes;
      if (kept > 0) memory.copy(padded, padded + <usize>(neededFirst - first) * paddedRowBytes, keptBytes);
      first = neededFirst;
      end = neededFirst + kept;
      const pixels = from + (<usize>(end * inWidth * inputs) << 2);
      const missing = max(0, neededEnd - end);
      gemm(pixels, expandWeights, expandBias + offset, 0, expanded, 0, missing * inWidth, 0, (own + 7) >> 3, inputs, own, activation);
      for (let i = 0; i < missing; i++) {
        memory.copy(firstPixel + keptBytes + <usize>i * paddedRowBytes, expanded + <usize>i * rowBytes, rowBytes);
      }
      end += missing;
      const origin = padded - <usize>first * paddedRowBytes;
      depthwiseRows(origin, filter + offset, bias + offset, to, row, lastRow, inHeight, paddedWidth, own, channels, width, kernelHeight, kernelWidth, stride, top, 0, activation);
    }
  }
}
