import { chunkStart } from '../../wasm/assembly/chunks';
import { clamp, highOf, LINEAR, lowOf } from '../fused_convolution/wasm_activation.assembly';
import { depthwiseRows } from '../fused_convolution/wasm_depthwise.assembly';
import { gemm } from '../fused_convolution/wasm_gemm.assembly';

/** Channels that are expanded and convolved together: whole lines of the cache, whole blocks of packed filters. */
const groupChannels: i32 = 32;
const groupBytes: usize = 128;

/**
 * The expansion of an inverted residual block and its depthwise convolution, each with bias and activation: x [batch,
 * inHeight, inWidth, inputs] -> y [batch, height, width, channels]. Chunks share out groups of channels. Of the expanded
 * maps only what a strip of output rows needs of one group is kept, so that it stays in the cache. The chunk's part of `strips`
 * has room for expandRows of them as they are computed, [expandRows, inWidth, own channels]; behind that for the strip, with
 * activation and with zeros at the sides, [rows, paddedWidth, 32]; and for the group's part of the filter, [kernelHeight,
 * kernelWidth, 32].
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
  stripRows: i32,
  expandRows: i32,
): void {
  const groups = (channels + groupChannels - 1) / groupChannels;
  const maxRows = <usize>((stripRows - 1) * stride + kernelHeight);
  const taps = kernelHeight * kernelWidth;
  const expandedBytes = <usize>(expandRows * inWidth) * groupBytes;
  const paddedRowBytes = <usize>paddedWidth * groupBytes;
  const paddedBytes = maxRows * paddedRowBytes;
  const expanded = strips + <usize>chunk * (expandedBytes + paddedBytes + <usize>taps * groupBytes);
  const padded = expanded + expandedBytes;
  const ownFilter = padded + paddedBytes;
  const firstPixel = padded + <usize>left * groupBytes;
  memory.fill(padded, 0, paddedBytes);
  const last = chunkStart(groups * batch, chunks, chunk + 1);
  for (let unit = chunkStart(groups * batch, chunks, chunk); unit < last; unit++) {
    const picture = unit % batch;
    const channel = (unit / batch) * groupChannels;
    const own = min(groupChannels, channels - channel);
    const from = x + <usize>(picture * inHeight * inWidth * inputs) * 4;
    const to = y + <usize>(picture * height * width * channels + channel) * 4;
    const expandWeights = expandFilter + <usize>(channel * inputs) * 4;
    const offset = <usize>channel << 2;
    const ownBytes = <usize>own << 2;
    for (let tap = 0; tap < taps; tap++)
      memory.copy(ownFilter + <usize>tap * groupBytes, filter + offset + (<usize>(tap * channels) << 2), ownBytes);
    // The expanded rows first...end are in the strip.
    let first = 0;
    let end = 0;
    for (let row = 0; row < height; row += stripRows) {
      const lastRow = min(height, row + stripRows);
      const neededFirst = max(0, row * stride - top);
      const neededEnd = min(inHeight, (lastRow - 1) * stride - top + kernelHeight);
      const kept = max(0, end - neededFirst);
      if (kept > 0) memory.copy(padded, padded + <usize>(neededFirst - first) * paddedRowBytes, <usize>kept * paddedRowBytes);
      first = neededFirst;
      end = neededFirst + kept;
      while (end < neededEnd) {
        const rows = min(expandRows, neededEnd - end);
        const pixels = from + (<usize>(end * inWidth * inputs) << 2);
        gemm(pixels, expandWeights, expandBias + offset, 0, expanded, 0, rows * inWidth, 0, (own + 7) >> 3, inputs, own, LINEAR);
        for (let row = 0; row < rows; row++, end++) {
          const strip = firstPixel + <usize>(end - first) * paddedRowBytes;
          activateRow(strip, expanded + <usize>(row * inWidth) * ownBytes, inWidth, ownBytes, activation);
        }
      }
      const origin = padded - <usize>first * paddedRowBytes;
      depthwiseRows(origin, ownFilter, bias + offset, to, row, lastRow, inHeight, paddedWidth, own, groupBytes, groupBytes, channels, width, kernelHeight, kernelWidth, stride, top, 0, activation);
    }
  }
}

/** Copies a row of pixels, from `bytes` to 32 channels each, through the activation. */
function activateRow(to: usize, from: usize, pixels: i32, bytes: usize, activation: i32): void {
  if (bytes == groupBytes) {
    activateTo(to, from, <usize>pixels * bytes, activation);
    return;
  }
  for (let pixel = 0; pixel < pixels; pixel++) {
    activateTo(to, from, bytes, activation);
    to += groupBytes;
    from += bytes;
  }
}

// @ts-ignore: decorator
@inline
function activateTo(to: usize, from: usize, bytes: usize, activation: i32): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  let at: usize = 0;
  for (; at + 32 <= bytes; at += 32) {
    v128.store(to + at, clamp(v128.load(from + at), low, high));
    v128.store(to + at, clamp(v128.load(from + at, 16), low, high), 16);
  }
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, clamp(v128.load(from + at), low, high));
  for (; at < bytes; at += 4) v128.store_lane<f32>(to + at, clamp(v128.load32_zero(from + at), low, high), 0);
}
