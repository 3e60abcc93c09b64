import { loadLanes, storeLanes } from '../../wasm/assembly/lanes';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';
import { clamp, highOf, LINEAR, lowOf } from './wasm_activation.assembly';

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
  const strip = max(30, (stripBytes / <i32>xBytes / 30) * 30);
  for (let start = firstRow; start < lastRow; start += strip) {
    const end = min(start + strip, lastRow);
    const sixes = start + 6 * sixesOf(end - start);
    for (let block = firstBlock; block < lastBlock; block++) {
      const lanes = outputs - (block << 3);
      const column = <usize>block << 5;
      const w = weights + <usize>block * blockBytes;
      const added = residual ? residual + column : 0;
      const to = y + column;
      if (lanes < 8 || end - start < 5) {
        for (let row = start; row < end; row++) {
          const target = <usize>row * yBytes;
          oneRow(x + <usize>row * xBytes, w, depth, bias + column, added ? added + target : 0, to + target, lanes, activation);
        }
        continue;
      }
      let row = start;
      for (; row < sixes; row += 6) sixRows(x + <usize>row * xBytes, xBytes, w, depth, bias + column, to + <usize>row * yBytes, yBytes);
      // The last five rows overlap those before them.
      for (; row < end; row += 5) {
        const first = min(row, end - 5);
        fiveRows(x + <usize>first * xBytes, xBytes, w, depth, bias + column, to + <usize>first * yBytes, yBytes);
      }
      if (added || activation != LINEAR) finishRows(to, added, yBytes, start, end, activation);
    }
  }
}

/**
 * How many tiles of six rows are computed before those of five. Six by eight is faster by a twentieth where multiply-add is
 * fused; otherwise its loop has too few registers.
 */
// @ts-ignore: decorator
@inline
function sixesOf(rows: i32): i32 {
  if (!ASC_FEATURE_RELAXED_SIMD) return 0;
  const fives = (6 - (rows % 6)) % 6;
  return max(0, rows - 5 * fives) / 6;
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
 * Five rows by eight outputs, with bias. V8 has fifteen registers for vectors: the loop needs thirteen with fused
 * multiply-add and fourteen without. It is slower by half where anything behind the loop needs more, as the sums are then
 * kept in memory in the loop, too. So the sums are stored, and finishRows does the rest.
 */
export function fiveRows(
  x: usize,
  xBytes: usize,
  weights: usize,
  depth: i32,
  bias: usize,
  y: usize,
  yBytes: usize,
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
}

/** Six rows by eight outputs, likewise: all fifteen registers, with fused multiply-add. */
export function sixRows(
  x: usize,
  xBytes: usize,
  weights: usize,
  depth: i32,
  bias: usize,
  y: usize,
  yBytes: usize,
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
  let f0 = a0;
  let f1 = a1;
  let pa = x;
  let pb = pa + xBytes;
  let pc = pb + xBytes;
  let pd = pc + xBytes;
  let pe = pd + xBytes;
  let pf = pe + xBytes;
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
    const xf = v128.load32_splat(pf);
    f0 = multiplyAdd(xf, w0, f0);
    f1 = multiplyAdd(xf, w1, f1);
    pa += 4;
    pb += 4;
    pc += 4;
    pd += 4;
    pe += 4;
    pf += 4;
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
  to += yBytes;
  v128.store(to, f0);
  v128.store(to, f1, 16);
}

/** Adds the residual (address 0: none) to eight columns of the rows first...end, and computes their activation. */
function finishRows(y: usize, residual: usize, yBytes: usize, first: i32, end: i32, activation: i32): void {
  const low = lowOf(activation);
  const high = highOf(activation);
  const last = <usize>end * yBytes;
  for (let row = <usize>first * yBytes; row < last; row += yBytes) {
    const to = y + row;
    let sum0 = v128.load(to);
    let sum1 = v128.load(to, 16);
    if (residual) {
      sum0 = f32x4.add(sum0, v128.load(residual + row));
      sum1 = f32x4.add(sum1, v128.load(residual + row, 16));
    }
    v128.store(to, clamp(sum0, low, high));
    v128.store(to, clamp(sum1, low, high), 16);
  }
}
