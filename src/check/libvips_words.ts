/**
 * libvips has one list of messages for all of its threads: of two pictures that fail at the same time, each may be told
 * what is wrong with the other. Where it matters what it says, a picture is decoded while no other is.
 */

const underWay = new Set<Promise<unknown>>();
let alone: Promise<unknown> = Promise.resolve();

/** Decodes beside others. */
export async function decodeBesideOthers<T>(decode: () => Promise<T>): Promise<T> {
  for (let seen: Promise<unknown> | undefined; seen !== alone; ) {
    seen = alone;
    await seen;
  }
  const decoding = decode();
  underWay.add(decoding);
  return decoding.finally(() => underWay.delete(decoding));
}

/** Decodes while no other picture is decoded, so that what libvips says is of this one. */
export function decodeAlone<T>(decode: () => Promise<T>): Promise<T> {
  const decoding = alone.then(async () => {
    await Promise.allSettled(underWay);
    return decode();
  });
  alone = decoding.catch(() => {});
  return decoding;
}
