/** File extensions of the supported kinds, by the names that sniff gives them; the usual one first. */
export const extensionsOf: Record<string, readonly string[]> = {
  JPEG: ['jpg', 'jpeg', 'jpe', 'jfif'],
  PNG: ['png', 'apng'],
  GIF: ['gif'],
  WebP: ['webp'],
  TIFF: ['tif', 'tiff'],
  AVIF: ['avif', 'avifs', 'heif', 'hif'],
  HEIC: ['heic', 'heics', 'heif', 'heifs', 'hif'],
  SVG: ['svg'],
  BMP: ['bmp', 'dib'],
  PNM: ['pnm', 'pbm', 'pgm', 'ppm', 'pam', 'pfm'],
};

const all = new Set(Object.values(extensionsOf).flat());

/** The extension of a file name, in lower case; undefined where it is not one of a picture. */
export function pictureExtension(name: string): string | undefined {
  const extension = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase();
  return extension !== undefined && all.has(extension) ? extension : undefined;
}
