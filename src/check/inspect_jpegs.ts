import { makeCodec } from '../images/jpeg/codec.ts';
import { openJpeg } from '../images/jpeg/open.ts';
import { type Inspection, inspectPixels, side } from './inspection.ts';

/** Inspects files on one thread; undefined for what is no plain and undamaged JPEG, which is left to sharp. */
export function makeJpegInspector(
  module: WebAssembly.Module,
): (files: string[]) => (Inspection | undefined)[] {
  const codec = makeCodec(module);

  function inspect(file: string): Inspection | undefined {
    const jpeg = openJpeg(file);
    if (!jpeg) return undefined;
    const { width, height } = jpeg.header;
    const raster = { width: Math.min(side, width), height: Math.min(side, height), channels: 3 } as const;
    const pixels = codec(jpeg.bytes, jpeg.header, { ...raster, fit: 'fill' });
    return pixels && inspectPixels(jpeg.bytes, { kind: 'JPEG', width, height }, pixels, raster);
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
