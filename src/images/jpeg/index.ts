/**
 * Shrinks plain JPEGs several times as fast as a decoder that makes the whole picture first: blocks are decoded right
 * to the size that is needed, on every core. Anything else is left to sharp.
 */
import { threadModule } from '../../thread_module.ts';
import { makeJpegPool } from './pool.ts';
import { makeJpegResizer } from './resizer.ts';

export const resizeJpeg = makeJpegPool(makeJpegResizer, threadModule('./thread', import.meta.url));
