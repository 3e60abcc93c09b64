import { makeCodec } from '../images/jpeg/codec.ts';
import { openJpeg } from '../images/jpeg/open.ts';
import { type Inspection, inspectPixels, side } from './inspection.ts';

/**
 * The result for a file: an inspection, or whether a JPEG that sharp must decode is whole; undefined where it is not a
 * JPEG, or only sharp can tell.
 */
export type Verdict = Inspection | 'whole' | 'damaged' | undefined;

const onePixel = { width: 1, height: 1, channels: 1, fit: 'fill' } as const;

/** Inspects files on one thread. */
export function makeJpegInspector(module: WebAssembly.Module): (files: string[]) => Verdict[] {
  const codec = makeCodec(module);

  function inspect(file: string): Verdict {
    const jpeg = openJpeg(file);
    if (!jpeg) {
      const turned = openJpeg(file, false);
      return turned && (codec(turned.bytes, turned.header, onePixel) ? 'whole' : 'damaged');
    }
    const { width, height } = jpeg.header;
    const raster = { width: Math.min(side, width), height: Math.min(side, height), channels: 3 } as const;
    const pixels = codec(jpeg.bytes, jpeg.header, { ...raster, fit: 'fill' });
    if (!pixels) return 'damaged';
    return inspectPixels(jpeg.bytes, { kind: 'JPEG', width, height, damaged: false }, pixels, raster);
  }

  return (files) =>
    files.map((file) => {
      try {
        return inspect(file);
      } catch {
        return undefined;
      }
    });
}
