import { chunkStart } from '../../wasm/assembly/chunks';
import { depthwiseRows } from '../fused_convolution/wasm_depthwise.assembly';
import { gemm } from '../fused_convolution/wasm_gemm.assembly';

/**
 * The expansion of an inverted residual block and its depthwise convolution, each with bias and activation: x [batch,
 * inHeight, inWidth, inputs] -> y [batch, height, width, channels]. Chunks share out groups of channels. Of the expanded
 * maps only what a strip of output rows needs of one group is kept, [rows, inWidth, groupChannels], in the chunk's part
 * of `strips`, so that it stays in the cache.
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
  const maxInRows = (stripRows - 1) * stride + kernelHeight;
  const strip = strips + <usize>chunk * <usize>(maxInRows * inWidth * groupChannels * 4);
  const last = chunkStart(groups * batch, chunks, chunk + 1);
  for (let unit = chunkStart(groups * batch, chunks, chunk); unit < last; unit++) {
    const picture = unit % batch;
    const channel = (unit / batch) * groupChannels;
    const own = min(groupChannels, channels - channel);
    const from = x + <usize>(picture * inHeight * inWidth * inputs) * 4;
    const to = y + <usize>(picture * height * width * channels + channel) * 4;
    const rowBytes = <usize>(inWidth * own * 4);
    const expandWeights = expandFilter + <usize>(channel * inputs) * 4;
    const offset = <usize>channel << 2;
    // The strip has the expanded rows first...end.
    let first = 0;
    let end = 0;
    for (let row = 0; row < height; row += stripRows) {
      const lastRow = min(height, row + stripRows);
      const neededFirst = max(0, row * stride - top);
      const neededEnd = min(inHeight, (lastRow - 1) * stride - top + kernelHeight);
      // A kernel that is smaller than the stride skips rows.
      const kept = max(0, end - neededFirst);
      if (kept > 0) memory.copy(strip, strip + <usize>(neededFirst - first) * rowBytes, <usize>kept * rowBytes);
      first = neededFirst;
      end = neededFirst + kept;
      const pixels = from + <usize>(end * inWidth * inputs) * 4;
      const blocks = (own + 7) >> 3;
      const count = max(0, neededEnd - end) * inWidth;
      gemm(pixels, expandWeights, expandBias + offset, 0, strip + <usize>kept * rowBytes, 0, count, 0, blocks, inputs, own, activation);
      end = max(end, neededEnd);
      const origin = strip - <usize>first * rowBytes;
      depthwiseRows(origin, filter + offset, bias + offset, to, row, lastRow, inHeight, inWidth, own, channels, width, kernelHeight, kernelWidth, stride, top, left, activation);
    }
  }
}
