import { decodePlanes } from './decode';
import { encodePlanes, maxBytes } from './encode';
import { allocate, forget } from './memory';
import { resamplePixels } from './pixels';
import { component, plan, planAddress } from './plan';
import { axisOf, forgetAxes, resample } from './resample';

export { planAddress };

let file: usize = 0;
/** f32 [planes, outHeight, outWidth]: Y, Cb and Cr around 128. */
let planes: usize = 0;

/** @returns where a file of so many bytes is to be put. */
export function begin(bytes: i32): usize {
  forget();
  forgetAxes();
  file = allocate(bytes);
  return file;
}

/** Makes room for the result, white where the picture does not reach. */
function preparePlanes(): void {
  const samples = plan.outWidth * plan.outHeight;
  const all = plan.planes * samples;
  planes = allocate(<usize>all * 4);
  if (plan.innerWidth < plan.outWidth || plan.innerHeight < plan.outHeight) {
    for (let i = 0; i < all; i++) store<f32>(planes + (<usize>i << 2), i < samples ? 255 : 128);
  }
}

/** Where the picture begins in a plane of the result. */
function placeIn(index: i32): usize {
  return planes + (<usize>(index * plan.outWidth * plan.outHeight + plan.top * plan.outWidth + plan.left) << 2);
}

/** Resamples pixels u8 [height, width, 3] as the plan says. */
export function resizePixels(): void {
  preparePlanes();
  const across = axisOf(plan.width, plan.boxLeft, plan.boxWidth, plan.innerWidth);
  const down = axisOf(plan.height, plan.boxTop, plan.boxHeight, plan.innerHeight);
  resamplePixels(file, across, down, placeIn(0));
}

/** Decodes a JPEG and resamples it as the plan says. @returns whether the file is undamaged. */
export function resizeJpeg(): bool {
  if (!decodePlanes(file)) return false;
  preparePlanes();
  for (let index = 0; index < plan.planes; index++) {
    const part = component(index);
    const perPixelAcross = samplesAPixel(part.horizontal, index, true) * <f32>part.samples;
    const perPixelDown = samplesAPixel(part.vertical, index, false) * <f32>part.samples;
    const across = axisOf(
      part.columns,
      plan.boxLeft * perPixelAcross,
      plan.boxWidth * perPixelAcross,
      plan.innerWidth,
    );
    const down = axisOf(
      part.rows,
      plan.boxTop * perPixelDown,
      plan.boxHeight * perPixelDown,
      plan.innerHeight,
    );
    resample(part.plane, part.stride, across, down, placeIn(index), plan.outWidth);
  }
  return true;
}

/** Blocks of a component a pixel of the picture. */
function samplesAPixel(factor: i32, index: i32, across: bool): f32 {
  let most = 1;
  for (let other = 0; other < plan.components; other++) {
    const part = component(other);
    most = max(most, across ? part.horizontal : part.vertical);
  }
  return <f32>factor / (<f32>most * 8);
}

function byteOf(value: f32): i32 {
  return <i32>nearest(min(max(value, <f32>0), <f32>255));
}

/** u8 [outHeight, outWidth, channels] (JFIF: BT.601 over the whole range; grey is its luma, Y). */
export function toPixels(channels: i32): usize {
  const samples = plan.outWidth * plan.outHeight;
  const pixels = allocate(samples * channels);
  const planeBytes = <usize>samples << 2;
  let to = pixels;
  for (let from = planes; from < planes + planeBytes; from += 4) {
    const y = load<f32>(from);
    if (channels == 1) {
      store<u8>(to++, byteOf(y));
      continue;
    }
    const colour = plan.planes == 3;
    const cb = colour ? load<f32>(from + planeBytes) - 128 : 0;
    const cr = colour ? load<f32>(from + 2 * planeBytes) - 128 : 0;
    store<u8>(to, byteOf(y + 1.402 * cr));
    store<u8>(to + 1, byteOf(y - 0.344136 * cb - 0.714136 * cr));
    store<u8>(to + 2, byteOf(y + 1.772 * cb));
    to += 3;
  }
  return pixels;
}

let encoded: usize = 0;

/** @returns the bytes of a JPEG of Y alone or of Y, Cb and Cr. */
export function encode(quality: i32): i32 {
  encoded = allocate(maxBytes(plan.outWidth, plan.outHeight, plan.planes));
  return encodePlanes(planes, plan.outWidth, plan.outHeight, plan.planes, quality, encoded);
}

export function encodedAddress(): usize {
  return encoded;
}
