import { decodePlanes } from './decode';
import { encodePlanes, mostBytes } from './encode';
import { allocate, forget } from './memory';
import { component, plan, planAddress } from './plan';
import { axisOf, forgetAxes, resample } from './resample';

export { planAddress };

let file: usize = 0;
/** f32 [components, outHeight, outWidth]: Y, Cb and Cr around 128. */
let planes: usize = 0;

/** @returns where a file of so many bytes is to be put. */
export function begin(bytes: i32): usize {
  forget();
  forgetAxes();
  file = allocate(bytes);
  return file;
}

/** Decodes and resamples as the plan says. @returns whether the file is undamaged. */
export function resize(): bool {
  if (!decodePlanes(file)) return false;
  const samples = plan.outWidth * plan.outHeight;
  const all = plan.components * samples;
  planes = allocate(<usize>all * 4);
  if (plan.innerWidth < plan.outWidth || plan.innerHeight < plan.outHeight) {
    for (let i = 0; i < all; i++) store<f32>(planes + (<usize>i << 2), i < samples ? 255 : 128);
  }
  for (let index = 0; index < plan.components; index++) {
    const part = component(index);
    const place = index * samples + plan.top * plan.outWidth + plan.left;
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
    resample(part.plane, part.stride, across, down, planes + (<usize>place << 2), plan.outWidth);
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

/** u8 [outHeight, outWidth, channels] (JFIF: BT.601 over the whole range). */
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
    const colour = plan.components == 3;
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
  encoded = allocate(mostBytes(plan.outWidth, plan.outHeight, plan.components));
  return encodePlanes(planes, plan.outWidth, plan.outHeight, plan.components, quality, encoded);
}

export function encodedAddress(): usize {
  return encoded;
}
