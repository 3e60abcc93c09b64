import { cosines, zigzag } from './basis';
import { allocate } from './memory';

/**
 * A baseline JPEG of three components without subsampling, with the tables of T.81, annex K. Quality scales them as
 * the Independent JPEG Group's encoder does.
 */

// prettier-ignore
const lightSteps = memory.data<u8>([
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
]);
// prettier-ignore
const colourSteps = memory.data<u8>([
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
]);

// Huffman tables: sixteen counts of codes by length, then the symbols.
// prettier-ignore
const lightDc = memory.data<u8>([
  0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
]);
// prettier-ignore
const colourDc = memory.data<u8>([
  0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
]);
// prettier-ignore
const lightAc = memory.data<u8>([
  0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d,
  0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14,
  0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09,
  0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a,
  0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65,
  0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88,
  0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9,
  0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca,
  0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea,
  0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
]);
// prettier-ignore
const colourAc = memory.data<u8>([
  0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77,
  0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32,
  0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16,
  0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39,
  0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64,
  0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86,
  0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
  0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8,
  0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9,
  0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
]);

/** u32 [256] for each of the four Huffman tables above: code << 8 | length, by symbol. */
const codes = memory.data(4 * 256 * 4);

function makeCodes(counts: usize, to: usize): void {
  let code = 0;
  let symbol = counts + 16;
  for (let length = 1; length <= 16; length++) {
    for (let left = <i32>load<u8>(counts + length - 1); left > 0; left--) {
      store<u32>(to + (<usize>load<u8>(symbol++) << 2), (code++ << 8) | length);
    }
    code <<= 1;
  }
}

makeCodes(lightDc, codes);
makeCodes(lightAc, codes + 1024);
makeCodes(colourDc, codes + 2048);
makeCodes(colourAc, codes + 3072);

// Where writing stands: bits from the highest on, how many, and the next byte's address.
let bits: u64 = 0;
let count: i32 = 0;
let at: usize = 0;

function writeByte(byte: i32): void {
  store<u8>(at++, byte);
}

function writeShort(value: i32): void {
  writeByte(value >> 8);
  writeByte(value);
}

function writeBytes(from: usize, bytes: i32): void {
  memory.copy(at, from, bytes);
  at += bytes;
}

/** At most 32 bits. */
function writeBits(value: u32, length: i32): void {
  count += length;
  bits |= <u64>value << (64 - count);
  if (count >= 32) writeWord();
}

/** The first 32 bits; a byte of ones is followed by a zero. */
function writeWord(): void {
  const word = <u32>(bits >>> 32);
  bits <<= 32;
  count -= 32;
  // Whether a byte of its complement is zero.
  if (((~word - 0x01010101) & word & 0x80808080) == 0) {
    store<u32>(at, bswap(word));
    at += 4;
    return;
  }
  for (let shift = 24; shift >= 0; shift -= 8) writeStuffed((word >> shift) & 0xff);
}

function writeStuffed(byte: i32): void {
  writeByte(byte);
  if (byte == 0xff) writeByte(0);
}

/** What is left, the last byte filled up with ones. */
function flushBits(): void {
  bits |= (~(<u64>0)) >> count;
  for (; count > 0; count -= 8) {
    writeStuffed(<i32>(bits >>> 56));
    bits <<= 8;
  }
}

function stepOf(steps: usize, place: i32, quality: i32): i32 {
  const scale = quality < 50 ? 5000 / quality : 200 - quality * 2;
  return min(max((<i32>load<u8>(steps + place) * scale + 50) / 100, 1), 255);
}

function writeQuantisation(index: i32, steps: usize, quality: i32): void {
  writeShort(0xffdb);
  writeShort(67);
  writeByte(index);
  for (let place = 0; place < 64; place++) writeByte(stepOf(steps, load<u8>(zigzag + place), quality));
}

function writeHuffman(index: i32, counts: usize): void {
  let bytes = 16;
  for (let length = 0; length < 16; length++) bytes += load<u8>(counts + length);
  writeShort(0xffc4);
  writeShort(bytes + 3);
  writeByte(index);
  writeBytes(counts, bytes);
}

/** "JFIF", version 1.1, no density, no thumbnail. */
const jfif = memory.data<u8>([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);

function writeHeaders(width: i32, height: i32, components: i32, quality: i32): void {
  writeBytes(jfif, 20);
  writeQuantisation(0, lightSteps, quality);
  if (components == 3) writeQuantisation(1, colourSteps, quality);
  writeShort(0xffc0);
  writeShort(8 + 3 * components);
  writeByte(8);
  writeShort(height);
  writeShort(width);
  writeByte(components);
  for (let index = 1; index <= components; index++) {
    writeByte(index);
    writeByte(0x11);
    writeByte(index == 1 ? 0 : 1);
  }
  writeHuffman(0x00, lightDc);
  writeHuffman(0x10, lightAc);
  if (components == 3) {
    writeHuffman(0x01, colourDc);
    writeHuffman(0x11, colourAc);
  }
  writeShort(0xffda);
  writeShort(6 + 2 * components);
  writeByte(components);
  for (let index = 1; index <= components; index++) {
    writeByte(index);
    writeByte(index == 1 ? 0x00 : 0x11);
  }
  writeByte(0);
  writeByte(63);
  writeByte(0);
}

/** f32 [8, 8]: a block's samples, and then its coefficients. */
const block = memory.data(256, 16);
const half = memory.data(256, 16);
/** i32 [8, 8]: the coefficients in steps of quantisation. */
const steps = memory.data(256, 16);

/** A block of a plane around 0; past the picture's edges the last sample is repeated. */
function loadBlock(plane: usize, width: i32, height: i32, left: i32, top: i32): void {
  for (let y = 0; y < 8; y++) {
    const row = plane + <usize>(min(top + y, height - 1) * width) * 4;
    const to = block + <usize>(y << 5);
    if (left + 8 <= width) {
      const from = row + <usize>left * 4;
      v128.store(to, aroundZero(v128.load(from)));
      v128.store(to, aroundZero(v128.load(from, 16)), 16);
      continue;
    }
    for (let x = 0; x < 8; x++) {
      const sample = v128.load32_zero(row + <usize>min(left + x, width - 1) * 4);
      v128.store_lane<f32>(to + <usize>(x << 2), aroundZero(sample), 0);
    }
  }
}

// @ts-ignore: decorator
@inline
function aroundZero(samples: v128): v128 {
  const inRange = f32x4.min(f32x4.max(samples, f32x4.splat(0)), f32x4.splat(255));
  return f32x4.sub(inRange, f32x4.splat(128));
}

/** The DCT down the columns, transposed: twice of it is the whole DCT, not transposed (T.81, A.3.3). */
function transformColumns(from: usize, to: usize): void {
  transformFour(from, to);
  transformFour(from + 16, to + 128);
}

/** Four columns at once. Waves are even or odd about the middle, so that four products make two frequencies. */
// @ts-ignore: decorator
@inline
function transformFour(from: usize, to: usize): void {
  const row0 = v128.load(from);
  const row1 = v128.load(from, 32);
  const row2 = v128.load(from, 64);
  const row3 = v128.load(from, 96);
  const row4 = v128.load(from, 128);
  const row5 = v128.load(from, 160);
  const row6 = v128.load(from, 192);
  const row7 = v128.load(from, 224);
  const even0 = f32x4.add(row0, row7);
  const even1 = f32x4.add(row1, row6);
  const even2 = f32x4.add(row2, row5);
  const even3 = f32x4.add(row3, row4);
  const odd0 = f32x4.sub(row0, row7);
  const odd1 = f32x4.sub(row1, row6);
  const odd2 = f32x4.sub(row2, row5);
  const odd3 = f32x4.sub(row3, row4);
  for (let frequency: usize = 0; frequency < 8; frequency += 2) {
    storeColumn(to + (frequency << 2), product(cosines + (frequency << 5), even0, even1, even2, even3));
    storeColumn(to + (frequency << 2) + 4, product(cosines + (frequency << 5) + 32, odd0, odd1, odd2, odd3));
  }
}

// @ts-ignore: decorator
@inline
function product(wave: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.add(
    f32x4.add(f32x4.mul(v128.load32_splat(wave), a), f32x4.mul(v128.load32_splat(wave, 4), b)),
    f32x4.add(f32x4.mul(v128.load32_splat(wave, 8), c), f32x4.mul(v128.load32_splat(wave, 12), d)),
  );
}

// @ts-ignore: decorator
@inline
function storeColumn(to: usize, values: v128): void {
  v128.store_lane<f32>(to, values, 0);
  v128.store_lane<f32>(to, values, 1, 32);
  v128.store_lane<f32>(to, values, 2, 64);
  v128.store_lane<f32>(to, values, 3, 96);
}

/** @returns how many of the steps are not zero. */
function quantise(reciprocals: usize): i32 {
  let zeros = i32x4.splat(0);
  for (let at: usize = 0; at < 256; at += 16) {
    const inSteps = f32x4.mul(v128.load(block + at), v128.load(reciprocals + at));
    const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(inSteps));
    v128.store(steps + at, whole);
    // What is equal is minus one.
    zeros = i32x4.sub(zeros, i32x4.eq(whole, i32x4.splat(0)));
  }
  const two = i32x4.add(zeros, i32x4.shuffle(zeros, zeros, 2, 3, 0, 1));
  return 64 - i32x4.extract_lane(two, 0) - i32x4.extract_lane(two, 1);
}

/** A value as its size in bits, and those bits (T.81, F.1.2.1). */
function writeValue(table: usize, zeros: i32, value: i32): void {
  const size = 32 - clz(abs(value));
  const code = load<u32>(table + (<usize>((zeros << 4) | size) << 2));
  const valueBits = (value + (value >> 31)) & ((1 << size) - 1);
  writeBits(((code >> 8) << size) | valueBits, (code & 0xff) + size);
}

/** @param count steps that are not zero. */
function writeBlock(dcTable: usize, acTable: usize, before: i32, count: i32): i32 {
  const dc = load<i32>(steps);
  writeValue(dcTable, 0, dc - before);
  if (dc != 0) count--;
  let zeros = 0;
  let index = 1;
  for (; count > 0; index++) {
    const value = load<i32>(steps + (<usize>load<u8>(zigzag + index) << 2));
    if (value == 0) {
      zeros++;
      continue;
    }
    for (; zeros > 15; zeros -= 16) writeBits(load<u32>(acTable + (0xf0 << 2)) >> 8, load<u8>(acTable + (0xf0 << 2)));
    writeValue(acTable, zeros, value);
    zeros = 0;
    count--;
  }
  if (index < 64) writeBits(load<u32>(acTable) >> 8, load<u8>(acTable));
  return dc;
}

function makeReciprocals(table: usize, quality: i32): usize {
  const reciprocals = allocate(256);
  for (let place = 0; place < 64; place++)
    store<f32>(reciprocals + (<usize>place << 2), 1 / <f32>stepOf(table, place, quality));
  return reciprocals;
}

/**
 * @param planes f32 [components, height, width], Y, Cb and Cr in 0..255, or Y alone. @param to where the file goes.
 * @returns its bytes.
 */
export function encodePlanes(
  planes: usize,
  width: i32,
  height: i32,
  components: i32,
  quality: i32,
  to: usize,
): i32 {
  const light = makeReciprocals(lightSteps, quality);
  const colour = makeReciprocals(colourSteps, quality);
  at = to;
  bits = 0;
  count = 0;
  writeHeaders(width, height, components, quality);
  const planeBytes = <usize>(width * height) * 4;
  let dcs0 = 0;
  let dcs1 = 0;
  let dcs2 = 0;
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let index = 0; index < components; index++) {
        loadBlock(planes + <usize>index * planeBytes, width, height, left, top);
        transformColumns(block, half);
        transformColumns(half, block);
        const count = quantise(index == 0 ? light : colour);
        if (index == 0) dcs0 = writeBlock(codes, codes + 1024, dcs0, count);
        else if (index == 1) dcs1 = writeBlock(codes + 2048, codes + 3072, dcs1, count);
        else dcs2 = writeBlock(codes + 2048, codes + 3072, dcs2, count);
      }
    }
  }
  flushBits();
  writeShort(0xffd9);
  return <i32>(at - to);
}

/** What a file takes at most: every coefficient its longest code, every byte stuffed. */
export function maxBytes(width: i32, height: i32, components: i32): usize {
  const blocks = ((width + 7) >> 3) * ((height + 7) >> 3) * components;
  return 1024 + <usize>blocks * 64 * 4 * 2;
}
