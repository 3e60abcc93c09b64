import { basisVectors, makeBasis } from './basis';
import { buildTable, extend, longCode, lookUpBits, special, toPair } from './huffman';
import { allocate } from './memory';
import { Component, component, plan } from './plan';
import { ends, intervals, isClosed, isOrdered, start, unstuff } from './unstuff';

// Where reading stands: the next bits from the highest on, how many of them count, where the eight bytes after them are.
let bits: u64 = 0;
let count: i64 = 0;
let at: usize = 0;

/** The sums of a block of eight by eight samples; the first four vectors of them stay in registers. */
const sums = memory.data(256, 16);

// @ts-ignore: decorator
@inline
function plus(sum: v128, value: v128, wave: usize): v128 {
  return f32x4.add(sum, f32x4.mul(value, v128.load(wave)));
}

// @ts-ignore: decorator
@inline
function skipOf(entry: u32): usize {
  return (<usize>entry >> 8) & 0x3f;
}

// @ts-ignore: decorator
@inline
function valueOf(entry: u32): v128 {
  return f32x4.splat(<f32>(<i32>entry >> 16));
}

/**
 * A component's blocks of an MCU onto their place in its plane (T.81, F.2.2). @returns false for data that are none.
 * Compiled twice, since this is where the time goes: T is u8 for blocks whose four sums one register holds, u32 for
 * larger ones.
 */
function decodeBlocks<T>(part: Component, place: usize): bool {
  const acTable = part.acTable;
  const basis = part.basis;
  const waveBytes: usize = sizeof<T>() == 1 ? 16 : <usize>basisVectors(part.samples) << 4;
  const lastWave = basis + 63 * waveBytes;
  const stride = <usize>part.stride << 2;
  const blockBytes = <usize>part.samples << 2;
  const middle = f32x4.splat(128);
  let dc = part.dc;
  let next = bits;
  let left = count;
  let from = at;

  for (let down = part.vertical; down > 0; down--) {
    let to = place;
    for (let across = part.horizontal; across > 0; across--) {
      next |= load<u64>(from) >> left;
      from -= <usize>((63 - left) >> 3);
      left |= 56;
      let entry = load<u32>(part.dcTable + (<usize>(next >> (64 - lookUpBits)) << 2));
      if ((entry & 0x7f) == 0) entry = longCode(part.dcTable, <i32>(next >> 48));
      let length = <i64>(entry & 0x7f);
      if (length == 0) return false;
      next <<= length;
      left -= length;
      const difference = <i32>entry >> 16;
      if (entry & special) {
        dc += extend(<i32>(next >> (64 - difference)), difference);
        next <<= difference;
        left -= difference;
      } else {
        dc += difference;
      }

      let value = f32x4.splat(<f32>dc);
      let sum = plus(middle, value, basis);
      let second = middle;
      let third = middle;
      let fourth = middle;
      if (sizeof<T>() > 1) {
        second = plus(middle, value, basis + 16);
        third = plus(middle, value, basis + 32);
        fourth = plus(middle, value, basis + 48);
        for (let vector: usize = 64; vector < waveBytes; vector += 16)
          v128.store(sums + vector, plus(middle, value, basis + vector));
      }

      let wave = basis;
      while (wave < lastWave) {
        next |= load<u64>(from) >> left;
        from -= <usize>((63 - left) >> 3);
        left |= 56;
        let found = acTable + (<usize>(next >> (64 - lookUpBits)) << 2);
        entry = load<u32>(found);
        if (sizeof<T>() == 1 && !(entry & special)) {
          wave += skipOf(entry) << 4;
          sum = plus(sum, valueOf(entry), wave);
          if (wave >= lastWave) {
            // What follows is of the next block.
            length = <i64>(entry & 0x7f);
            next <<= length;
            left -= length;
            break;
          }
          entry = load<u32>(found, toPair);
          length = <i64>(entry & 0x7f);
          next <<= length;
          left -= length;
          wave += skipOf(entry) << 4;
          sum = plus(sum, valueOf(entry), wave);
          if (wave >= lastWave) break;
          // The same once more, since what was read suffices for it: that saves a twentieth.
          found = acTable + (<usize>(next >> (64 - lookUpBits)) << 2);
          entry = load<u32>(found);
          if (!(entry & special)) {
            wave += skipOf(entry) << 4;
            sum = plus(sum, valueOf(entry), wave);
            if (wave >= lastWave) {
              length = <i64>(entry & 0x7f);
              next <<= length;
              left -= length;
              break;
            }
            entry = load<u32>(found, toPair);
            length = <i64>(entry & 0x7f);
            next <<= length;
            left -= length;
            wave += skipOf(entry) << 4;
            sum = plus(sum, valueOf(entry), wave);
            continue;
          }
        }
        if (entry & special) {
          if ((entry & 0x7f) == 0) entry = longCode(acTable, <i32>(next >> 48));
          length = <i64>(entry & 0x7f);
          if (length == 0) return false;
          next <<= length;
          left -= length;
          const size = <i32>entry >> 16;
          if (size > 0) {
            const coefficient = extend(<i32>(next >> (64 - size)), size);
            entry = (coefficient << 16) | (entry & 0xffff);
            next <<= size;
            left -= size;
          }
        } else {
          length = <i64>(entry & 0x7f);
          next <<= length;
          left -= length;
        }
        wave += skipOf(entry) * waveBytes;
        if (wave > lastWave) break;
        value = valueOf(entry);
        sum = plus(sum, value, wave);
        if (sizeof<T>() > 1) {
          second = plus(second, value, wave + 16);
          third = plus(third, value, wave + 32);
          fourth = plus(fourth, value, wave + 48);
          for (let vector: usize = 64; vector < waveBytes; vector += 16)
            v128.store(sums + vector, plus(v128.load(sums + vector), value, wave + vector));
        }
      }
      if (sizeof<T>() == 1) storeSmall(sum, to, stride, part.samples);
      else storeLarge(sum, second, third, fourth, to, stride, part.samples);
      to += blockBytes;
    }
    place += stride * <usize>part.samples;
  }
  part.dc = dc;
  bits = next;
  count = left;
  at = from;
  return true;
}

// @ts-ignore: decorator
@inline
function storeSmall(sum: v128, to: usize, stride: usize, samples: i32): void {
  if (samples == 1) {
    v128.store_lane<f32>(to, sum, 0);
  } else {
    v128.store_lane<i64>(to, sum, 0);
    v128.store_lane<i64>(to + stride, sum, 1);
  }
}

// @ts-ignore: decorator
@inline
function storeLarge(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize, samples: i32): void {
  v128.store(to, a);
  if (samples == 4) {
    v128.store(to + stride, b);
    v128.store(to + 2 * stride, c);
    v128.store(to + 3 * stride, d);
    return;
  }
  v128.store(to, b, 16);
  v128.store(to + stride, c);
  v128.store(to + stride, d, 16);
  for (let row: usize = 2; row < 8; row++) {
    v128.store(to + row * stride, v128.load(sums + (row << 5)));
    v128.store(to + row * stride, v128.load(sums + (row << 5), 16), 16);
  }
}

/** How much of the samples asked for a colour component may lack: eyes and networks see light more sharply. */
const colourShare: f32 = 0.9;

/** The least samples a block with which the component still has as many as are asked for. */
function samplesFor(part: Component, share: f32, widest: i32, highest: i32): i32 {
  const width = (plan.boxWidth * <f32>part.horizontal) / <f32>(widest * 8);
  const height = (plan.boxHeight * <f32>part.vertical) / <f32>(highest * 8);
  const minWidth = share * plan.oversampling * <f32>plan.innerWidth;
  const minHeight = share * plan.oversampling * <f32>plan.innerHeight;
  let samples = 1;
  while (samples < 8 && (width * <f32>samples < minWidth || height * <f32>samples < minHeight)) samples *= 2;
  return samples;
}

function prepare(index: i32, file: usize, mcusAcross: i32, mcusDown: i32): bool {
  const part = component(index);
  const samples = part.samples;
  // The two colours have most often the same ones.
  const before = component(max(index - 1, 0));
  const isFirst = index == 0;
  if (isFirst || part.dcCounts != before.dcCounts) part.dcTable = buildTable(file + part.dcCounts);
  else part.dcTable = before.dcTable;
  if (isFirst || part.acCounts != before.acCounts) part.acTable = buildTable(file + part.acCounts);
  else part.acTable = before.acTable;
  if (isFirst || part.quantisation != before.quantisation || samples != before.samples)
    part.basis = makeBasis(file + part.quantisation, samples);
  else part.basis = before.basis;
  part.dc = 0;
  part.stride = mcusAcross * part.horizontal * samples;
  const rows = mcusDown * part.vertical * samples;
  part.plane = allocate(<usize>part.stride * <usize>rows * 4);
  memory.fill(part.plane + <usize>part.stride * <usize>rows * 4, 0, 64);
  return part.dcTable != 0 && part.acTable != 0;
}

function decodeMcu(column: i32, row: i32): bool {
  for (let index = 0; index < plan.components; index++) {
    const part = component(index);
    const line = row * part.vertical * part.samples;
    const place = part.plane + (<usize>(line * part.stride + column * part.horizontal * part.samples) << 2);
    if (!(part.samples > 2 ? decodeBlocks<u32>(part, place) : decodeBlocks<u8>(part, place))) return false;
  }
  return true;
}

/** Bits of an interval that were not read; less than none of a damaged one. */
function bitsLeft(interval: i32): i64 {
  const last = <i64>load<u32>(ends + (<usize>interval << 2)) * 8;
  return last - (<i64>(start - 8 - at) * 8 - count);
}

function startInterval(interval: i32): void {
  at = start - 8 - (interval == 0 ? 0 : <usize>load<u32>(ends + (<usize>(interval - 1) << 2)));
  bits = 0;
  count = 0;
  for (let index = 0; index < plan.components; index++) component(index).dc = 0;
}

/** The components' planes, shrunk as far as what is asked for allows. @returns false for a damaged picture. */
export function decodePlanes(file: usize): bool {
  let widest = 1;
  let highest = 1;
  for (let index = 0; index < plan.components; index++) {
    const part = component(index);
    widest = max(widest, part.horizontal);
    highest = max(highest, part.vertical);
  }
  const mcusAcross = (plan.width + 8 * widest - 1) / (8 * widest);
  const mcusDown = (plan.height + 8 * highest - 1) / (8 * highest);
  for (let index = 0; index < plan.components; index++) {
    const part = component(index);
    // Colours that are left out must be read all the same, to find what follows them.
    const isWanted = index < plan.planes;
    part.samples = isWanted ? samplesFor(part, index == 0 ? 1 : colourShare, widest, highest) : 1;
    if (!prepare(index, file, mcusAcross, mcusDown)) return false;
    // Samples that the picture covers, the last of them perhaps in part.
    part.columns = (plan.width * part.horizontal * part.samples + 8 * widest - 1) / (8 * widest);
    part.rows = (plan.height * part.vertical * part.samples + 8 * highest - 1) / (8 * highest);
  }
  unstuff(file + plan.scanStart, file + plan.fileBytes);
  if (!isClosed || (plan.restartInterval > 0 && !isOrdered)) return false;
  let interval = 0;
  let untilRestart = plan.restartInterval;
  startInterval(0);
  for (let row = 0; row < mcusDown; row++) {
    for (let column = 0; column < mcusAcross; column++) {
      if (plan.restartInterval > 0 && untilRestart-- == 0) {
        untilRestart = plan.restartInterval - 1;
        // All of it was read but for what fills the last byte.
        if (bitsLeft(interval) >= 8 || ++interval >= intervals) return false;
        startInterval(interval);
      }
      if (!decodeMcu(column, row)) return false;
      if (bitsLeft(interval) < 0) return false;
    }
  }
  return true;
}
