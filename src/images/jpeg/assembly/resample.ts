import { allocate } from './memory';
import { plan } from './plan';

const lobes = 3;
const stepsALobe = 256;

/** Lanczos's kernel from 0 to its end, f32. */
const lanczos = memory.data((lobes * 256 + 2) * 4);

for (let step = 1; step < lobes * stepsALobe; step++) {
  const x = (Math.PI * step) / stepsALobe;
  store<f32>(lanczos + <usize>step * 4, <f32>((lobes * Math.sin(x) * Math.sin(x / lobes)) / (x * x)));
}
store<f32>(lanczos, 1);

function lanczosAt(distance: f32): f32 {
  const place = abs(distance) * <f32>stepsALobe;
  if (place >= <f32>(lobes * stepsALobe)) return 0;
  const step = <i32>place;
  const part = place - <f32>step;
  const at = lanczos + (<usize>step << 2);
  return load<f32>(at) * (1 - part) + load<f32>(at, 4) * part;
}

/** Keys's cubic with a = -0.5, as Pillow's BICUBIC. */
function bicubicAt(distance: f32): f32 {
  const x = abs(distance);
  if (x < 1) return (<f32>1.5 * x - <f32>2.5) * x * x + 1;
  if (x < 2) return ((<f32>-0.5 * x + <f32>2.5) * x - 4) * x + 2;
  return 0;
}

function kernel(distance: f32): f32 {
  if (plan.filter == 0) return lanczosAt(distance);
  return plan.filter == 1 ? bicubicAt(distance) : max(<f32>1 - abs(distance), <f32>0);
}

/** How far the kernel reaches to either side. */
function support(): f32 {
  return plan.filter == 0 ? <f32>lobes : plan.filter == 1 ? 2 : 1;
}

/** How one axis is resampled: for each result the first sample and the weights, zeros up to a multiple of four. */
@unmanaged
export class Axis {
  samples: i32;
  start: f32;
  size: f32;
  results: i32;
  taps: i32;
  firsts: usize;
  /** How many of the taps are within the samples. */
  counts: usize;
  weights: usize;
  /** Address of the axis made before this one. */
  before: usize;
}

let newest: usize = 0;

export function forgetAxes(): void {
  newest = 0;
}

/** The filter's kernel, stretched where it shrinks. @param start, size the part that is taken, in samples. */
export function axisOf(samples: i32, start: f32, size: f32, results: i32): Axis {
  for (let at = newest; at != 0; at = changetype<Axis>(at).before) {
    const known = changetype<Axis>(at);
    if (known.samples == samples && known.start == start && known.size == size && known.results == results)
      return known;
  }
  const axis = changetype<Axis>(allocate(offsetof<Axis>()));
  axis.samples = samples;
  axis.start = start;
  axis.size = size;
  axis.results = results;
  axis.before = newest;
  newest = changetype<usize>(axis);
  const step = size / <f32>results;
  const stretch = max(step, <f32>1);
  const reach = stretch * support();
  axis.taps = (<i32>ceil(reach * 2) + 1 + 3) & ~3;
  axis.firsts = allocate(<usize>results * 4);
  axis.counts = allocate(<usize>results * 4);
  axis.weights = allocate(<usize>(results * axis.taps) * 4);
  for (let result = 0; result < results; result++) {
    const centre = start + (<f32>result + 0.5) * step;
    const first = max(<i32>ceil(centre - reach - 0.5), 0);
    const last = min(<i32>floor(centre + reach - 0.5), samples - 1);
    store<i32>(axis.firsts + (<usize>result << 2), first);
    store<i32>(axis.counts + (<usize>result << 2), last - first + 1);
    makeWeights(axis.weights + <usize>(result * axis.taps) * 4, axis.taps, last - first + 1, <f32>first + 0.5 - centre, stretch);
  }
  return axis;
}

function makeWeights(weights: usize, taps: i32, count: i32, distance: f32, stretch: f32): void {
  memory.fill(weights, 0, <usize>taps << 2);
  let sum: f32 = 0;
  for (let tap = 0; tap < count; tap++) {
    const weight = kernel((distance + <f32>tap) / stretch);
    store<f32>(weights + (<usize>tap << 2), weight);
    sum += weight;
  }
  for (let tap = 0; tap < count; tap++) {
    const weight = weights + (<usize>tap << 2);
    store<f32>(weight, load<f32>(weight) / sum);
  }
}

/** Whether the axis takes every sample as it is. */
function isWhole(axis: Axis): bool {
  return axis.start == 0 && axis.size == <f32>axis.results;
}

/** Part of a plane f32 [rows, stride] -> f32 [down.results, across.results] in rows of `toStride`. */
export function resample(plane: usize, stride: i32, across: Axis, down: Axis, to: usize, toStride: i32): void {
  if (isWhole(across) && isWhole(down)) {
    for (let y = 0; y < down.results; y++) {
      const row = to + <usize>(y * toStride) * 4;
      memory.copy(row, plane + <usize>(y * stride) * 4, <usize>across.results * 4);
    }
    return;
  }
  const padded = (stride + 15) & ~15;
  const lineBytes = <usize>(padded + across.taps) * 4;
  const line = allocate(lineBytes);
  memory.fill(line, 0, lineBytes);
  for (let y = 0; y < down.results; y++) {
    const first = load<i32>(down.firsts + (<usize>y << 2));
    const count = load<i32>(down.counts + (<usize>y << 2));
    const weights = down.weights + <usize>(y * down.taps) * 4;
    blend(plane + <usize>(first * stride) * 4, stride, count, weights, line, padded);
    const result = to + <usize>(y * toStride) * 4;
    for (let x = 0; x < across.results; x++) {
      const from = line + (<usize>load<i32>(across.firsts + (<usize>x << 2)) << 2);
      const by = across.weights + <usize>(x * across.taps) * 4;
      store<f32>(result + (<usize>x << 2), dot(from, by, across.taps));
    }
  }
}

/** The weighted sum of some rows. */
function blend(rows: usize, stride: i32, count: i32, weights: usize, to: usize, width: i32): void {
  const rowBytes = <usize>stride << 2;
  for (let x: usize = 0; x < <usize>width << 2; x += 64) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let from = rows + x;
    for (let tap: usize = 0; tap < <usize>count << 2; tap += 4) {
      const weight = v128.load32_splat(weights + tap);
      a = f32x4.add(a, f32x4.mul(v128.load(from), weight));
      b = f32x4.add(b, f32x4.mul(v128.load(from, 16), weight));
      c = f32x4.add(c, f32x4.mul(v128.load(from, 32), weight));
      d = f32x4.add(d, f32x4.mul(v128.load(from, 48), weight));
      from += rowBytes;
    }
    v128.store(to + x, a);
    v128.store(to + x, b, 16);
    v128.store(to + x, c, 32);
    v128.store(to + x, d, 48);
  }
}

// @ts-ignore: decorator
@inline
export function dot(from: usize, by: usize, count: i32): f32 {
  let sum = f32x4.splat(0);
  for (let tap: usize = 0; tap < <usize>count << 2; tap += 16)
    sum = f32x4.add(sum, f32x4.mul(v128.load(from + tap), v128.load(by + tap)));
  return (
    f32x4.extract_lane(sum, 0) +
    f32x4.extract_lane(sum, 1) +
    (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}
