/** Batches that two threads vary: a ring of slots in memory that they share. */

/** A batch of pictures to vary. */
export interface OnlineBatch {
  /** uint8 [count, height, width, channels]. */
  pixels: Uint8Array;
  /** Class index of each picture. */
  labels: number[];
  /** A seed for all of them. */
  key: string;
  /** A number for each picture: the same key and index give the same variation. */
  indexes: number[];
}

/** Varies a picture. @param varied gets the result; may be the same memory as `pixels`, which is not written to otherwise. */
export type Vary = (pixels: Uint8Array, varied: Uint8Array, label: number, key: string) => Promise<void>;

/** Where a ring lies, and what one batch can have. It can be sent to a thread. */
export interface Ring {
  memory: SharedArrayBuffer;
  maxPictures: number;
  pictureBytes: number;
}

/** What a slot holds. A picture's progress is never taken back, so that both threads can rely on it. */
interface Slot {
  /** int32 [4]: pictures, how many of them the thread has varied, whether it is to stop, bytes of the key. */
  head: Int32Array;
  key: Uint8Array;
  labels: Int32Array;
  indexes: Int32Array;
  pixels: Uint8Array;
  varied: Uint8Array;
}

const slots = 4;
const maxKeyBytes = 256;
/** Words at the start of a ring: how many batches the thread was given, and how many it has left. */
const [given, left] = [0, 1];
const ringHeadBytes = 16;
const [count, done, stop, keyBytes] = [0, 1, 2, 3];
const slotHeadBytes = 16;

function slotBytes(maxPictures: number, pictureBytes: number): number {
  const bytes = slotHeadBytes + maxKeyBytes + 8 * maxPictures + 2 * maxPictures * pictureBytes;
  return Math.ceil(bytes / 16) * 16;
}

export function createRing(maxPictures: number, pictureBytes: number): Ring {
  const bytes = ringHeadBytes + slots * slotBytes(maxPictures, pictureBytes);
  return { memory: new SharedArrayBuffer(bytes), maxPictures, pictureBytes };
}

function headOf({ memory }: Ring): Int32Array {
  return new Int32Array(memory, 0, 2);
}

function slotsOf({ memory, maxPictures, pictureBytes }: Ring): Slot[] {
  return Array.from({ length: slots }, (_, index) => {
    let at = ringHeadBytes + index * slotBytes(maxPictures, pictureBytes);
    const take = (bytes: number) => {
      at += bytes;
      return at - bytes;
    };
    return {
      head: new Int32Array(memory, take(slotHeadBytes), 4),
      key: new Uint8Array(memory, take(maxKeyBytes), maxKeyBytes),
      labels: new Int32Array(memory, take(4 * maxPictures), maxPictures),
      indexes: new Int32Array(memory, take(4 * maxPictures), maxPictures),
      pixels: new Uint8Array(memory, take(maxPictures * pictureBytes), maxPictures * pictureBytes),
      varied: new Uint8Array(memory, take(maxPictures * pictureBytes), maxPictures * pictureBytes),
    };
  });
}

function put({ head, ...slot }: Slot, { pixels, labels, key, indexes }: OnlineBatch): void {
  const keyText = Buffer.from(key);
  slot.key.set(keyText);
  slot.labels.set(labels);
  slot.indexes.set(indexes);
  slot.pixels.set(pixels);
  head.set([indexes.length, 0, 0, keyText.length]);
}

/** Makes the function that varies a picture of a slot. */
function varyIn(slot: Slot, bytes: number, vary: Vary): (index: number) => Promise<void> {
  // A copy, since a text is not read from shared memory.
  const key = Buffer.from(slot.key.slice(0, slot.head[keyBytes])).toString();
  return (index) => {
    const [from, to] = [index * bytes, (index + 1) * bytes];
    const { pixels, varied, labels, indexes } = slot;
    return vary(
      pixels.subarray(from, to),
      varied.subarray(from, to),
      labels[index] as number,
      `${key}/${indexes[index]}`,
    );
  };
}

/**
 * Varies every batch that the ring is given, from its first picture on: the other thread begins at the last. Neither waits for
 * the other: a picture that both have in hand is varied twice, to the same pixels.
 */
export async function varyFromRing(ring: Ring, vary: Vary): Promise<never> {
  const ringHead = headOf(ring);
  const all = slotsOf(ring);
  for (let number = 0; ; number++) {
    Atomics.wait(ringHead, given, number);
    const slot = all[number % slots] as Slot;
    const { head } = slot;
    const varyAt = varyIn(slot, ring.pictureBytes, vary);
    const pictures = head[count] as number;
    for (let index = 0; index < pictures && Atomics.load(head, stop) === 0; index++) {
      await varyAt(index);
      Atomics.store(head, done, index + 1);
    }
    Atomics.store(ringHead, left, number + 1);
  }
}

async function varyAlone({ pixels, labels, key, indexes }: OnlineBatch, vary: Vary): Promise<void> {
  const bytes = pixels.length / indexes.length;
  for (const [at, index] of indexes.entries()) {
    const picture = pixels.subarray(at * bytes, (at + 1) * bytes);
    await vary(picture, picture, labels[at] as number, `${key}/${index}`);
  }
}

/**
 * Makes the function that gives a batch to a ring; three may be under way at once.
 * @returns waits until the batch is varied, in place.
 */
export function giveToRing(ring: Ring, vary: Vary): (batch: OnlineBatch) => () => Promise<void> {
  const ringHead = headOf(ring);
  const all = slotsOf(ring);
  return (batch) => {
    const number = ringHead[given] as number;
    // A thread that gets no core may still be in the slot.
    if (number - Atomics.load(ringHead, left) >= slots) return () => varyAlone(batch, vary);
    const slot = all[number % slots] as Slot;
    put(slot, batch);
    Atomics.store(ringHead, given, number + 1);
    Atomics.notify(ringHead, given);
    return async () => {
      const { head, varied } = slot;
      const varyAt = varyIn(slot, ring.pictureBytes, vary);
      for (let index = batch.indexes.length - 1; index >= Atomics.load(head, done); index--)
        await varyAt(index);
      Atomics.store(head, stop, 1);
      batch.pixels.set(varied.subarray(0, batch.pixels.length));
    };
  };
}
