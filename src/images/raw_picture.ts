/** Decoded pixels as they were stored: not turned, not laid on white. */
export interface RawPicture {
  /** [height, width, channels]: 8 bits sRGB, or 16. */
  data: Uint8Array | Uint16Array;
  width: number;
  height: number;
  /** 1: grey. 2: grey and alpha. 3: RGB. 4: RGB and alpha. */
  channels: 1 | 2 | 3 | 4;
}

/** Says itself, in a few words, why a picture cannot be read. */
export class UnreadablePicture extends Error {}

/** In the reason where a file may well be whole, and its format or variant is not one that is read. */
const mark = ', which is not read; ';

/**
 * @param what names it, such as 'JPEG XL picture'.
 * @param todo what the user can do.
 */
export function unsupported(what: string, todo = 'save it as JPEG or PNG'): UnreadablePicture {
  return new UnreadablePicture(`${what}${mark}${todo}`);
}

/** The reason where a file's bytes say nothing: no picture, or one of a kind that is not known. */
export const unknownKind = 'not a picture';

/** Whether a reason is of a file that may well be whole. */
export function isUnsupported(reason: string): boolean {
  return reason.includes(mark) || reason === unknownKind;
}
