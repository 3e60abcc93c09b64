/**
 * libvips has one list of messages for all of its threads, so of two pictures that fail at the same time each may get the
 * message of the other. Where the message matters, a picture is therefore decoded alone.
 */

const running = new Set<Promise<unknown>>();
let alone: Promise<unknown> = Promise.resolve();

/** Decodes while others may be decoded. */
export async function decodeBesideOthers<T>(decode: () => Promise<T>): Promise<T> {
  for (let seen: Promise<unknown> | undefined; seen !== alone; ) {
    seen = alone;
    await seen;
  }
  const decoding = decode();
  running.add(decoding);
  return decoding.finally(() => running.delete(decoding));
}

/** Decodes while no other picture is decoded, so that the message is about this one. */
export function decodeAlone<T>(decode: () => Promise<T>): Promise<T> {
  const decoding = alone.then(async () => {
    await Promise.allSettled(running);
    return decode();
  });
  alone = decoding.catch(() => {});
  return decoding;
}
