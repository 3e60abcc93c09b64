/** Decoded pixels as the file stores them: not rotated, with transparency. */
export interface RawPicture {
  /** sRGB, [height, width, channels], with 8 or 16 bits per value. */
  data: Uint8Array | Uint16Array;
  width: number;
  height: number;
  /** 1: grey. 2: grey and alpha. 3: RGB. 4: RGB and alpha. */
  channels: 1 | 2 | 3 | 4;
}

/**
 * A picture that cannot be read. Its message is the reason in a few words, to follow the name of the file: 'the file is empty',
 * 'HTML, not a picture'.
 *
 * @example
 * ```ts
 * import { loadModel, UnreadablePicture } from 'bat-sup';
 *
 * const model = await loadModel('checkpoints');
 * try {
 *   await model.predict('missing.jpg');
 * } catch (error) {
 *   if (!(error instanceof UnreadablePicture)) throw error;
 *   console.log(error.message); // there is no such file
 * } finally {
 *   await model.dispose();
 * }
 * ```
 */
export class UnreadablePicture extends Error {}

/** In the reasons for files that may be intact, but whose format or variant is not supported. */
const mark = ', which is not supported; ';
/** The same in reasons that earlier versions wrote to files. */
const formerMark = ', which is not read; ';

/**
 * Makes the error for a format or variant that is not supported.
 * @param what its name, such as 'JPEG XL picture'.
 * @param advice what the user can do.
 */
export function unsupported(what: string, advice = 'save it as JPEG or PNG'): UnreadablePicture {
  return new UnreadablePicture(`${what}${mark}${advice}`);
}

/** The reason for a file whose bytes are not recognised: not a picture, or one of an unknown kind. */
export const unknownKind = 'not a picture';

/** Whether a reason is that of a file that may be intact. */
export function isUnsupported(reason: string): boolean {
  return reason.includes(mark) || reason.includes(formerMark) || reason === unknownKind;
}
