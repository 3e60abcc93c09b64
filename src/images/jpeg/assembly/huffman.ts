import { allocate } from './memory';

/**
 * Huffman tables of JPEG (ITU-T T.81, annex C and F.2.2.3) for looking up a code together with the bits of the value
 * that follows it. An entry is 32 bits: value << 16 | skip << 8 | special << 7 | length.
 * length: bits that it takes.
 * skip: coefficients to go on by, the zeros before the value included; a code that ends the block skips to past its
 * end.
 * special: the value did not fit, and `value` is the number of its bits, which follow; or length is 0, for a code that
 * is longer than the look-up.
 * After these come as many `pairs`, for entries that are not special: what follows, if that fits into the look-up too,
 * in the same form. Its length is that of both; value and skip are 0 where it does not fit.
 */
export const special: u32 = 0x80;
export const lookUpBits = 11;
/** From an entry to its pair, bytes. */
export const toPair: usize = 4 << lookUpBits;

const entries: usize = 1 << lookUpBits;
const limits: usize = toPair << 1;
const offsets: usize = limits + 17 * 4;
const valuesAddress: usize = offsets + 17 * 4;

/** The number that `size` bits stand for (T.81, table F.1). */
// @ts-ignore: decorator
@inline
export function extend(bits: i32, size: i32): i32 {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/** A symbol's entry with its value left out. */
function symbolEntry(symbol: i32, length: i32): u32 {
  const size = symbol & 15;
  const run = symbol >> 4;
  if (size > 0) return (size << 16) | ((run + 1) << 8) | special | length;
  return ((run == 15 ? 16 : 63) << 8) | length;
}

function fill(table: usize, code: i32, length: i32, symbol: i32): void {
  const rest = lookUpBits - length;
  const entry = symbolEntry(symbol, length);
  const size = symbol & 15;
  const first = table + (<usize>(code << rest) << 2);
  for (let tail = 0; tail < 1 << rest; tail++) {
    let whole = entry;
    if (size > 0 && size <= rest) {
      const value = extend(tail >> (rest - size), size);
      whole = (value << 16) | (((symbol >> 4) + 1) << 8) | (length + size);
    }
    store<u32>(first + (<usize>tail << 2), whole);
  }
}

function makePairs(table: usize): void {
  for (let bits: u32 = 0; bits < <u32>entries; bits++) {
    const first = table + (<usize>bits << 2);
    const length = load<u32>(first) & 0x7f;
    const second = load<u32>(table + (<usize>((bits << length) & (<u32>entries - 1)) << 2));
    const both = length + (second & 0x7f);
    const fits = !(second & special) && both <= <u32>lookUpBits;
    store<u32>(first, fits ? (second & ~0x7f) | both : length, toPair);
  }
}

/** @param counts address of 16 counts of codes by length, the symbols after them. @returns 0 for no such code. */
export function buildTable(counts: usize): usize {
  const table = allocate(valuesAddress + 4);
  const values = counts + 16;
  for (let entry: usize = 0; entry < entries; entry++) store<u32>(table + (entry << 2), special);
  store<u32>(table + valuesAddress, <u32>values);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++) {
    const count = <i32>load<u8>(counts + length - 1);
    // No code may be all ones.
    if (code + count >= 1 << length) return 0;
    store<i32>(table + offsets + (<usize>length << 2), index - code);
    for (const last = code + count; code < last; code++) {
      const symbol = <i32>load<u8>(values + index++);
      if (length <= lookUpBits) fill(table, code, length, symbol);
    }
    store<i32>(table + limits + (<usize>length << 2), code << (16 - length));
    code <<= 1;
  }
  makePairs(table);
  return table;
}

/** The entry of a code too long for the look-up, as the next 16 bits have it; none where its length is 0. */
export function longCode(table: usize, next: i32): u32 {
  for (let length = lookUpBits + 1; length <= 16; length++) {
    if (next >= load<i32>(table + limits + (<usize>length << 2))) continue;
    const index = (next >> (16 - length)) + load<i32>(table + offsets + (<usize>length << 2));
    return symbolEntry(<i32>load<u8>(<usize>load<u32>(table + valuesAddress) + index), length);
  }
  return special;
}
