import { chunkStart } from '../../wasm/assembly/chunks';
import { loadLanes } from '../../wasm/assembly/lanes';
import { multiplyAdd } from '../../wasm/assembly/multiply_add';

/**
 * The gradients of a convolution from the numbers of dy that are not zero. The input (or its gradient) has zeros around
 * it; a number of dy is multiplied with a patch of it: kernelHeight runs of kernelWidth * inputs neighbouring numbers.
 * The numbers of one output channel of one picture are listed, each as the offset of its patch in bytes and its value;
 * then eight vectors of the patch at a time are summed over the list in registers.
 */

/** Bytes of an entry of a list: offset and value. */
const ENTRY: usize = 8;

/** Counts the numbers of x that are not zero: one 32-bit sum for each chunk. */
export function countNonzeros(chunk: i32, chunks: i32, x: usize, counts: usize, size: i32): void {
  const first = chunkStart(size >> 2, chunks, chunk);
  const last = chunkStart(size >> 2, chunks, chunk + 1);
  let counted = i32x4.splat(0);
  for (let i = first; i < last; i++)
    counted = i32x4.sub(counted, f32x4.ne(v128.load(x + (<usize>i << 4)), f32x4.splat(0)));
  let count =
    i32x4.extract_lane(counted, 0) +
    i32x4.extract_lane(counted, 1) +
    i32x4.extract_lane(counted, 2) +
    i32x4.extract_lane(counted, 3);
  if (chunk == chunks - 1)
    for (let i = size & ~3; i < size; i++) count += load<f32>(x + (<usize>i << 2)) != 0 ? 1 : 0;
  store<i32>(counts + (<usize>chunk << 2), count);
}

/** Lists what is not zero in four channels of a picture: four lists of `capacity` bytes. Their ends are stored at `ends`. */
function listNonzeros(
  dy: usize,
  lists: usize,
  ends: usize,
  capacity: usize,
  height: i32,
  width: i32,
  outputs: i32,
  lanes: i32,
  rowBytes: i32,
  pixelBytes: i32,
): void {
  let end0 = lists;
  let end1 = lists + capacity;
  let end2 = lists + 2 * capacity;
  let end3 = lists + 3 * capacity;
  const dyBytes = <usize>outputs << 2;
  for (let y = 0; y < height; y++) {
    let offset = y * rowBytes;
    for (let x = 0; x < width; x++) {
      const values = loadLanes(dy, lanes);
      const found = i32x4.bitmask(f32x4.ne(values, f32x4.splat(0)));
      if (found != 0) {
        // Each is written, and kept where it is not zero.
        store<i32>(end0, offset);
        v128.store_lane<f32>(end0, values, 0, 4);
        end0 += <usize>(found & 1) << 3;
        store<i32>(end1, offset);
        v128.store_lane<f32>(end1, values, 1, 4);
        end1 += <usize>(found & 2) << 2;
        store<i32>(end2, offset);
        v128.store_lane<f32>(end2, values, 2, 4);
        end2 += <usize>(found & 4) << 1;
        store<i32>(end3, offset);
        v128.store_lane<f32>(end3, values, 3, 4);
        end3 += <usize>(found & 8);
      }
      offset += pixelBytes;
      dy += dyBytes;
    }
  }
  store<usize>(ends, end0);
  store<usize>(ends, end1, 4);
  store<usize>(ends, end2, 8);
  store<usize>(ends, end3, 12);
}

/** Adds patches, eight vectors of each, times their values to sums. Exported for the reason given in index.ts. */
export function addPatches8(entry: usize, end: usize, x: usize, sums: usize): void {
  let s0 = v128.load(sums);
  let s1 = v128.load(sums, 16);
  let s2 = v128.load(sums, 32);
  let s3 = v128.load(sums, 48);
  let s4 = v128.load(sums, 64);
  let s5 = v128.load(sums, 80);
  let s6 = v128.load(sums, 96);
  let s7 = v128.load(sums, 112);
  for (; entry < end; entry += ENTRY) {
    const patch = x + load<u32>(entry);
    const value = v128.load32_splat(entry, 4);
    s0 = multiplyAdd(value, v128.load(patch), s0);
    s1 = multiplyAdd(value, v128.load(patch, 16), s1);
    s2 = multiplyAdd(value, v128.load(patch, 32), s2);
    s3 = multiplyAdd(value, v128.load(patch, 48), s3);
    s4 = multiplyAdd(value, v128.load(patch, 64), s4);
    s5 = multiplyAdd(value, v128.load(patch, 80), s5);
    s6 = multiplyAdd(value, v128.load(patch, 96), s6);
    s7 = multiplyAdd(value, v128.load(patch, 112), s7);
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
  v128.store(sums, s4, 64);
  v128.store(sums, s5, 80);
  v128.store(sums, s6, 96);
  v128.store(sums, s7, 112);
}

/** The same, four vectors of each. */
export function addPatches4(entry: usize, end: usize, x: usize, sums: usize): void {
  let s0 = v128.load(sums);
  let s1 = v128.load(sums, 16);
  let s2 = v128.load(sums, 32);
  let s3 = v128.load(sums, 48);
  for (; entry < end; entry += ENTRY) {
    const patch = x + load<u32>(entry);
    const value = v128.load32_splat(entry, 4);
    s0 = multiplyAdd(value, v128.load(patch), s0);
    s1 = multiplyAdd(value, v128.load(patch, 16), s1);
    s2 = multiplyAdd(value, v128.load(patch, 32), s2);
    s3 = multiplyAdd(value, v128.load(patch, 48), s3);
  }
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  v128.store(sums, s2, 32);
  v128.store(sums, s3, 48);
}

/** The same, one vector of each. */
export function addPatches1(entry: usize, end: usize, x: usize, sums: usize): void {
  let s0 = v128.load(sums);
  for (; entry < end; entry += ENTRY)
    s0 = multiplyAdd(v128.load32_splat(entry, 4), v128.load(x + load<u32>(entry)), s0);
  v128.store(sums, s0);
}

/** Adds eight vectors of weights, times each value, to patches. */
export function addToPatches8(entry: usize, end: usize, dx: usize, weights: usize): void {
  const w0 = v128.load(weights);
  const w1 = v128.load(weights, 16);
  const w2 = v128.load(weights, 32);
  const w3 = v128.load(weights, 48);
  const w4 = v128.load(weights, 64);
  const w5 = v128.load(weights, 80);
  const w6 = v128.load(weights, 96);
  const w7 = v128.load(weights, 112);
  for (; entry < end; entry += ENTRY) {
    const patch = dx + load<u32>(entry);
    const value = v128.load32_splat(entry, 4);
    v128.store(patch, multiplyAdd(value, w0, v128.load(patch)));
    v128.store(patch, multiplyAdd(value, w1, v128.load(patch, 16)), 16);
    v128.store(patch, multiplyAdd(value, w2, v128.load(patch, 32)), 32);
    v128.store(patch, multiplyAdd(value, w3, v128.load(patch, 48)), 48);
    v128.store(patch, multiplyAdd(value, w4, v128.load(patch, 64)), 64);
    v128.store(patch, multiplyAdd(value, w5, v128.load(patch, 80)), 80);
    v128.store(patch, multiplyAdd(value, w6, v128.load(patch, 96)), 96);
    v128.store(patch, multiplyAdd(value, w7, v128.load(patch, 112)), 112);
  }
}

/** The same, one vector. */
export function addToPatches1(entry: usize, end: usize, dx: usize, weights: usize): void {
  const w0 = v128.load(weights);
  for (; entry < end; entry += ENTRY) {
    const patch = dx + load<u32>(entry);
    v128.store(patch, multiplyAdd(v128.load32_splat(entry, 4), w0, v128.load(patch)));
  }
}

/**
 * Portions of the filter's gradient: sums [portions, outputs rounded up to fours, kernelHeight, vectors, 4], `vectors`
 * being those of a run. From padded pictures [batch, inHeight, inWidth, inputs] and dy [batch, height, width, outputs].
 * A unit of work is four outputs of a portion of the pictures. lists: room for four lists and their ends, for each chunk.
 */
export function pooledFilterGradient(
  chunk: i32,
  chunks: i32,
  input: usize,
  dy: usize,
  sums: usize,
  lists: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  inputs: i32,
  height: i32,
  width: i32,
  outputs: i32,
  kernelHeight: i32,
  vectors: i32,
  strideHeight: i32,
  strideWidth: i32,
  portions: i32,
): void {
  const groups = (outputs + 3) >> 2;
  const rowBytes = (inWidth * inputs) << 2;
  const capacity = <usize>(height * width + 1) * ENTRY;
  const ends = lists + <usize>(chunk + 1) * (4 * capacity + 16) - 16;
  const own = ends - 4 * capacity;
  const filterBytes = <usize>(kernelHeight * vectors) << 4;
  const last = chunkStart(groups * portions, chunks, chunk + 1);
  for (let unit = chunkStart(groups * portions, chunks, chunk); unit < last; unit++) {
    const group = unit % groups;
    const portion = unit / groups;
    const lastPicture = chunkStart(batch, portions, portion + 1);
    const firstSum = sums + <usize>(unit << 2) * filterBytes;
    memory.fill(firstSum, 0, 4 * filterBytes);
    for (let picture = chunkStart(batch, portions, portion); picture < lastPicture; picture++) {
      listNonzeros(
        dy + (<usize>(picture * height * width * outputs + (group << 2)) << 2),
        own,
        ends,
        capacity,
        height,
        width,
        outputs,
        outputs - (group << 2),
        strideHeight * rowBytes,
        (strideWidth * inputs) << 2,
      );
      for (let lane = 0; lane < 4; lane++) {
        const list = own + <usize>lane * capacity;
        const end = load<usize>(ends + (<usize>lane << 2));
        let sum = firstSum + <usize>lane * filterBytes;
        for (let ky = 0; ky < kernelHeight; ky++) {
          let run = input + <usize>(picture * inHeight + ky) * rowBytes;
          let vector = 0;
          for (; vector + 8 <= vectors; vector += 8) {
            addPatches8(list, end, run, sum);
            run += 128;
            sum += 128;
          }
          for (; vector + 4 <= vectors; vector += 4) {
            addPatches4(list, end, run, sum);
            run += 64;
            sum += 64;
          }
          for (; vector < vectors; vector++) {
            addPatches1(list, end, run, sum);
            run += 16;
            sum += 16;
          }
        }
      }
    }
  }
}

/** The portions' sums, in order -> the gradient [kernelHeight, run, outputs]. */
export function sumPortions(
  chunk: i32,
  chunks: i32,
  sums: usize,
  gradient: usize,
  outputs: i32,
  kernelHeight: i32,
  run: i32,
  vectors: i32,
  portions: i32,
): void {
  const filterBytes = <usize>(kernelHeight * vectors) << 4;
  const portionBytes = <usize>((outputs + 3) & ~3) * filterBytes;
  const last = chunkStart(kernelHeight * run, chunks, chunk + 1);
  for (let row = chunkStart(kernelHeight * run, chunks, chunk); row < last; row++) {
    const place = sums + (<usize>((row / run) * (vectors << 2) + (row % run)) << 2);
    const to = gradient + (<usize>(row * outputs) << 2);
    for (let output = 0; output < outputs; output++) {
      let from = place + <usize>output * filterBytes;
      let sum: f32 = 0;
      for (let portion = 0; portion < portions; portion++) {
        sum += load<f32>(from);
        from += portionBytes;
      }
      store<f32>(to + (<usize>output << 2), sum);
    }
  }
}

/**
 * The input's gradient dx [batch, inputHeight, inputWidth, inputs], from dy [batch, height, width, outputs] and the filter
 * as [outputs, kernelHeight, vectors, 4], zeros behind each run. A unit of work is a picture. padded: for each chunk room
 * for a picture with zeros around it, inHeight * inWidth pixels, and a vector more; lists: as above.
 */
export function pooledInputGradient(
  chunk: i32,
  chunks: i32,
  dy: usize,
  filter: usize,
  dx: usize,
  padded: usize,
  lists: usize,
  batch: i32,
  inputHeight: i32,
  inputWidth: i32,
  inHeight: i32,
  inWidth: i32,
  top: i32,
  left: i32,
  inputs: i32,
  height: i32,
  width: i32,
  outputs: i32,
  kernelHeight: i32,
  vectors: i32,
  strideHeight: i32,
  strideWidth: i32,
): void {
  const rowBytes = (inWidth * inputs) << 2;
  const paddedBytes = <usize>(inHeight * rowBytes + 16);
  const picturePadded = padded + <usize>chunk * paddedBytes;
  const capacity = <usize>(height * width + 1) * ENTRY;
  const ends = lists + <usize>(chunk + 1) * (4 * capacity + 16) - 16;
  const own = ends - 4 * capacity;
  const filterBytes = <usize>(kernelHeight * vectors) << 4;
  const last = chunkStart(batch, chunks, chunk + 1);
  for (let picture = chunkStart(batch, chunks, chunk); picture < last; picture++) {
    memory.fill(picturePadded, 0, paddedBytes);
    for (let output = 0; output < outputs; output += 4) {
      const lanes = min(4, outputs - output);
      listNonzeros(
        dy + (<usize>(picture * height * width * outputs + output) << 2),
        own,
        ends,
        capacity,
        height,
        width,
        outputs,
        lanes,
        strideHeight * rowBytes,
        (strideWidth * inputs) << 2,
      );
      for (let lane = 0; lane < lanes; lane++) {
        const list = own + <usize>lane * capacity;
        const end = load<usize>(ends + (<usize>lane << 2));
        let weights = filter + <usize>(output + lane) * filterBytes;
        for (let ky = 0; ky < kernelHeight; ky++) {
          let run = picturePadded + <usize>(ky * rowBytes);
          let vector = 0;
          for (; vector + 8 <= vectors; vector += 8) {
            addToPatches8(list, end, run, weights);
            run += 128;
            weights += 128;
          }
          for (; vector < vectors; vector++) {
            addToPatches1(list, end, run, weights);
            run += 16;
            weights += 16;
          }
        }
      }
    }
    const rows = min(inputHeight, inHeight - top);
    const rowNumbers = <usize>(min(inputWidth, inWidth - left) * inputs) << 2;
    const to = dx + (<usize>(picture * inputHeight * inputWidth * inputs) << 2);
    if (rows < inputHeight || inWidth - left < inputWidth)
      memory.fill(to, 0, <usize>(inputHeight * inputWidth * inputs) << 2);
    for (let row = 0; row < rows; row++) {
      const from = picturePadded + <usize>((row + top) * rowBytes + ((left * inputs) << 2));
      memory.copy(to + (<usize>(row * inputWidth * inputs) << 2), from, rowNumbers);
    }
  }
}
