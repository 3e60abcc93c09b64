import { allocate } from './memory';

/** How far a damaged MCU of ten blocks may read on, bytes. */
const lookAhead: usize = 4096;

/**
 * The entropy-coded data of a scan without stuffed zeros and markers, backwards from this address, so that eight bytes
 * loaded as a number have the first one highest.
 */
export let start: usize = 0;
/** u32 counts of bytes: where each restart interval ends. */
export let ends: usize = 0;
export let intervals: i32 = 0;
/** Whether a marker follows the data, as at least that of the end does in a whole file. */
export let isClosed: bool = false;
/** Whether the restart markers count from 0 to 7 over and over. */
export let isOrdered: bool = true;

function endInterval(to: usize): void {
  store<u32>(ends + (<usize>intervals << 2), <u32>(start - to));
  intervals++;
}

// @ts-ignore: decorator
@inline
function backwards(v: v128): v128 {
  return i8x16.shuffle(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/** @param from where the data begin. @param end where the file ends. */
export function unstuff(from: usize, end: usize): void {
  const bytes = end - from;
  start = allocate(bytes + lookAhead) + bytes + lookAhead;
  ends = allocate((bytes / 2 + 2) * 4);
  intervals = 0;
  isClosed = false;
  isOrdered = true;
  let to = start;
  const all = i8x16.splat(-1);
  while (from < end) {
    const v = v128.load(from);
    v128.store(to - 16, backwards(v));
    const escapes = i8x16.bitmask(i8x16.eq(v, all));
    const plain: usize = escapes ? <usize>ctz(escapes) : 16;
    from += plain;
    to -= plain;
    if (plain == 16) continue;
    if (from + 1 >= end) break;
    const marker = load<u8>(from + 1);
    if (marker == 0) {
      to--;
      from += 2;
    } else if (marker >= 0xd0 && marker <= 0xd7) {
      if (marker != 0xd0 + (<u8>intervals & 7)) isOrdered = false;
      endInterval(to);
      from += 2;
    } else if (marker == 0xff) {
      from++;
    } else {
      isClosed = true;
      break;
    }
  }
  if (from > end) to += from - end;
  endInterval(to);
}
