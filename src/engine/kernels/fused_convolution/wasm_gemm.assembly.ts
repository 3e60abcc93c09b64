import { loadLanes, storeLanes } from '../../wasm/assembly/lanes';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';
import { clamp, highOf, lowOf } from './wasm_activation.assembly';

/** Rows of x are multiplied by every block of weights before the next ones are, so that they stay in the level 2 cache. */
const stripBytes: i32 = 131072;

/**
 * y = activation(x weights + bias + residual): rows firstRow...lastRow of x [rows, depth] by the blocks of eight outputs
 * firstBlock...lastBlock of weights (packed, see wasm.ts) -> y [rows, outputs]. bias: [outputs]. residual: like y; address
 * 0: none. A row's result depends on no other row, and not on how rows and blocks are shared out.
 */
export function gemm(
  x: usize,
  weights: usize,
  bias: usize,
  residual: usize,
  y: usize,
  firstRow: i32,
  lastRow: i32,
  firstBlock: i32,
  lastBlock: i32,
  depth: i32,
  outputs: i32,
  activation: i32,
): void {
  const xBytes = <usize>depth << 2;
  const yBytes = <usize>outputs << 2;
  const blockBytes = <usize>depth << 5;
  const strip = max(5, (stripBytes / <i32>xBytes / 5) * 5);
  for (let start = firstRow; start < lastRow; start += strip) {
    const end = min(start + strip, lastRow);
    for (let block = firstBlock; block < lastBlock; block++) {
      const lanes = outputs - (block << 3);
      const column = <usize>block << 5;
      const w = weights + <usize>block * blockBytes;
      const isWhole = lanes >= 8 && end - start >= 5;
      for (let at = start; at < end; at += isWhole ? 5 : 1) {
        // The last five rows overlap those before them.
        const row = isWhole ? min(at, end - 5) : at;
        const from = x + <usize>row * xBytes;
        const target = <usize>row * yBytes + column;
        const added = residual ? residual + target : 0;
        if (isWhole) fiveRows(from, xBytes, w, depth, bias + column, added, y + target, yBytes, activation);
        else oneRow(from, w, depth, bias + column, added, y + target, lanes, activation);
      }
    }
  }
}

/** One row by up to eight outputs. */
export function oneRow(
  x: usize,
  weights: usize,
  depth: i32,
  bias: usize,
  residual: usize,
  y: usize,
  lanes: i32,
  activation: i32,
): void {
  let sum0 = loadLanes(bias, lanes);
  let sum1 = loadLanes(bias + 16, lanes - 4);
  const end = weights + (<usize>depth << 5);
  let p = x;
  for (let w = weights; w < end; w += 32) {
    const value = v128.load32_splat(p);
    sum0 = multiplyAdd(value, v128.load(w), sum0);
    sum1 = multiplyAdd(value, v128.load(w, 16), sum1);
    p += 4;
  }
  if (residual) {
    sum0 = f32x4.add(sum0, loadLanes(residual, lanes));
    sum1 = f32x4.add(sum1, loadLanes(residual + 16, lanes - 4));
  }
  const low = lowOf(activation);
  const high = highOf(activation);
  storeLanes(y, clamp(sum0, low, high), clamp(sum1, low, high), lanes);
}

/**
 * Five rows by eight outputs. V8 has fifteen registers for vectors: the loop needs thirteen with fused multiply-add and
 * fourteen without. It is slower by half where anything behind the loop needs more, as the sums are then kept in memory
 * in the loop, too. So the sums are stored first, and finished afterwards.
 */
export function fiveRows(
  x: usize,
  xBytes: usize,
  weights: usize,
  depth: i32,
  bias: usize,
  residual: usize,
  y: usize,
  yBytes: usize,
  activation: i32,
): void {
  let a0 = v128.load(bias);
  let a1 = v128.load(bias, 16);
  let b0 = a0;
  let b1 = a1;
  let c0 = a0;
  let c1 = a1;
  let d0 = a0;
  let d1 = a1;
  let e0 = a0;
  let e1 = a1;
  let pa = x;
  let pb = pa + xBytes;
  let pc = pb + xBytes;
  let pd = pc + xBytes;
  let pe = pd + xBytes;
  const end = weights + (<usize>depth << 5);
  for (let w = weights; w < end; w += 32) {
    const w0 = v128.load(w);
    const w1 = v128.load(w, 16);
    const xa = v128.load32_splat(pa);
    a0 = multiplyAdd(xa, w0, a0);
    a1 = multiplyAdd(xa, w1, a1);
    const xb = v128.load32_splat(pb);
    b0 = multiplyAdd(xb, w0, b0);
    b1 = multiplyAdd(xb, w1, b1);
    const xc = v128.load32_splat(pc);
    c0 = multiplyAdd(xc, w0, c0);
    c1 = multiplyAdd(xc, w1, c1);
    const xd = v128.load32_splat(pd);
    d0 = multiplyAdd(xd, w0, d0);
    d1 = multiplyAdd(xd, w1, d1);
    const xe = v128.load32_splat(pe);
    e0 = multiplyAdd(xe, w0, e0);
    e1 = multiplyAdd(xe, w1, e1);
    pa += 4;
    pb += 4;
    pc += 4;
    pd += 4;
    pe += 4;
  }
  let to = y;
  v128.store(to, a0);
  v128.store(to, a1, 16);
  to += yBytes;
  v128.store(to, b0);
  v128.store(to, b1, 16);
  to += yBytes;
  v128.store(to, c0);
  v128.store(to, c1, 16);
  to += yBytes;
  v128.store(to, d0);
  v128.store(to, d1, 16);
  to += yBytes;
  v128.store(to, e0);
  v128.store(to, e1, 16);
  if (residual) addRows(y, residual, yBytes);
  const low = lowOf(activation);
  const high = highOf(activation);
  to = y;
  clampStored(to, low, high);
  to += yBytes;
  clampStored(to, low, high);
  to += yBytes;
  clampStored(to, low, high);
  to += yBytes;
  clampStored(to, low, high);
  to += yBytes;
  clampStored(to, low, high);
}

/** Adds five rows of eight numbers to others. */
function addRows(y: usize, residual: usize, yBytes: usize): void {
  for (let row: usize = 0; row < 5 * yBytes; row += yBytes) {
    const to = y + row;
    v128.store(to, f32x4.add(v128.load(to), v128.load(residual + row)));
    v128.store(to, f32x4.add(v128.load(to, 16), v128.load(residual + row, 16)), 16);
  }
}

// @ts-ignore: decorator
@inline
function clampStored(y: usize, low: v128, high: v128): void {
  v128.store(y, clamp(v128.load(y), low, high));
  v128.store(y, clamp(v128.load(y, 16), low, high), 16);
}
