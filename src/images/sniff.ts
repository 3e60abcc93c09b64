import { isRawPhotograph } from './tiff_tags.ts';

/** A kind of file, recognised by its first bytes. */
interface Kind {
  name: string;
  test: (head: string) => boolean;
}

/** Whether one of these texts is at an offset. */
const has =
  (offset: number, ...texts: string[]) =>
  (head: string) =>
    texts.some((text) => head.startsWith(text, offset));
const begins = (...texts: string[]) => has(0, ...texts);

/** The brands of an ISO base media file: the major one, then the compatible ones. */
function brandsOf(head: string): string[] {
  if (head.slice(4, 8) !== 'ftyp') return [];
  const length = [...head.slice(0, 4)].reduce((sum, char) => sum * 256 + char.charCodeAt(0), 0);
  const others = head.slice(16, Math.min(length, 512)).match(/.{4}/gs) ?? [];
  return [head.slice(8, 12), ...others];
}

const avifBrands = ['avif', 'avis'];
const heicBrands = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'mif2', 'msf1'];
const hasBrand =
  (...brands: string[]) =>
  (head: string) =>
    brandsOf(head).some((brand) => brands.includes(brand));
const isBrand =
  (...brands: string[]) =>
  (head: string) =>
    brands.includes(brandsOf(head)[0] ?? '');

/** A file header, then another one whose size, at least 12, is too small for its upper bytes to be letters. */
function isBmp(head: string): boolean {
  return head.startsWith('BM') && (head.length < 18 || (head[16] === '\0' && head[17] === '\0'));
}

/** A directory of icons: its kind, their number, and a reserved byte of the first one. */
const isIcon = (kind: number) => (head: string) =>
  begins(`\0\0${String.fromCharCode(kind)}\0`)(head) &&
  head[4] !== '\0' &&
  has(5, '\0')(head) &&
  has(9, '\0')(head);

/** Checks version, encoding and bits per sample. */
function isPcx(head: string): boolean {
  const [version, bits] = [head.charCodeAt(1), head.charCodeAt(3)];
  return begins('\n')(head) && version <= 5 && has(2, '\x01')(head) && [1, 2, 4, 8].includes(bits);
}

/** The supported kinds. */
const readKinds: Kind[] = [
  { name: 'JPEG', test: begins('\xff\xd8\xff') },
  { name: 'PNG', test: begins('\x89PNG') },
  { name: 'GIF', test: begins('GIF8') },
  { name: 'WebP', test: (head) => begins('RIFF')(head) && has(8, 'WEBP')(head) },
  // Canon's RAW files begin like a TIFF, with their own mark further on.
  { name: 'TIFF', test: (head) => begins('II*\0', 'MM\0*', 'II+\0', 'MM\0+')(head) && !has(8, 'CR')(head) },
  { name: 'AVIF', test: (head) => hasBrand(...avifBrands)(head) && !isBrand('heic', 'heix')(head) },
  { name: 'HEIC', test: isBrand(...heicBrands) },
  { name: 'SVG', test: (head) => /^\s*(<\?xml[^>]*>\s*)?(<!--(?:(?!-->).)*-->\s*)*<svg/s.test(head) },
  { name: 'BMP', test: isBmp },
  {
    name: 'PNM',
    test: (head) => /^(P[1-6](\s|#[^\n]*\n)+\d+(\s|#[^\n]*\n)+\d+\s|P7\s*\n|P[Ff]\s+\d+\s+\d+\s)/.test(head),
  },
];

const picture = 'save it as JPEG or PNG';
const film = 'save frames of it as JPEG or PNG';
const pages = 'save its pages as JPEG or PNG';
const packed = 'unpack it';

/** Unsupported kinds that people keep among their pictures, and what to do with each. */
const otherKinds: (Kind & { advice: string })[] = [
  {
    name: 'RAW photograph (CR2)',
    test: (head) => begins('II*', 'MM')(head) && has(8, 'CR')(head),
    advice: picture,
  },
  { name: 'RAW photograph (CR3)', test: isBrand('crx '), advice: picture },
  { name: 'RAW photograph (CRW)', test: has(6, 'HEAPCCDR'), advice: picture },
  { name: 'RAW photograph (RAF)', test: begins('FUJIFILMCCD-RAW'), advice: picture },
  { name: 'RAW photograph (ORF)', test: begins('IIRO', 'IIRS', 'MMOR'), advice: picture },
  { name: 'RAW photograph (RW2)', test: begins('IIU\0'), advice: picture },
  { name: 'RAW photograph (X3F)', test: begins('FOVb'), advice: picture },
  { name: 'RAW photograph (MRW)', test: begins('\0MRM'), advice: picture },
  { name: 'JPEG XL picture', test: begins('\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'), advice: picture },
  { name: 'JPEG 2000 picture', test: begins('\0\0\0\x0cjP  \r\n\x87\n', '\xffO\xffQ'), advice: picture },
  { name: 'JPEG XR picture', test: begins('II\xbc\x01'), advice: picture },
  { name: 'Windows icon', test: isIcon(1), advice: picture },
  { name: 'Windows cursor', test: isIcon(2), advice: picture },
  { name: 'macOS icon', test: begins('icns'), advice: picture },
  { name: 'Photoshop document', test: begins('8BPS'), advice: picture },
  { name: 'GIMP document', test: begins('gimp xcf'), advice: picture },
  { name: 'PostScript document', test: begins('%!PS', '\xc5\xd0\xd3\xc6'), advice: pages },
  { name: 'PDF document', test: begins('%PDF'), advice: pages },
  { name: 'DjVu document', test: begins('AT&TFORM'), advice: pages },
  { name: 'QOI picture', test: begins('qoif'), advice: picture },
  { name: 'DDS texture', test: begins('DDS '), advice: picture },
  { name: 'OpenEXR picture', test: begins('v/1\x01'), advice: picture },
  { name: 'Radiance HDR picture', test: begins('#?RADIANCE', '#?RGBE'), advice: picture },
  { name: 'FITS picture', test: begins('SIMPLE  ='), advice: picture },
  { name: 'DICOM picture', test: has(128, 'DICM'), advice: picture },
  { name: 'PCX picture', test: isPcx, advice: picture },
  {
    name: 'SGI picture',
    test: begins('\x01\xda\0\x01', '\x01\xda\x01\x01', '\x01\xda\0\x02', '\x01\xda\x01\x02'),
    advice: picture,
  },
  { name: 'Sun raster picture', test: begins('Y\xa6j\x95'), advice: picture },
  { name: 'MNG animation', test: begins('\x8aMNG', '\x8bJNG'), advice: picture },
  { name: 'BPG picture', test: begins('BPG\xfb'), advice: picture },
  { name: 'FLIF picture', test: begins('FLIF'), advice: picture },
  { name: 'XPM picture', test: begins('/* XPM */'), advice: picture },
  { name: 'XBM picture', test: (head) => /^\s*#define\s+\w+_width\s+\d+/.test(head), advice: picture },
  {
    name: 'Windows metafile',
    test: (head) => begins('\xd7\xcd\xc6\x9a')(head) || has(40, ' EMF')(head),
    advice: picture,
  },
  { name: 'NumPy array', test: begins('\x93NUMPY'), advice: picture },
  { name: 'HDF5 file', test: begins('\x89HDF'), advice: 'save its pictures as JPEG or PNG' },
  { name: 'sound recording', test: begins('ID3', 'fLaC', 'OggS'), advice: 'remove it' },
  { name: 'sound recording', test: isBrand('M4A ', 'M4B '), advice: 'remove it' },
  {
    name: 'sound recording',
    test: (head) => begins('RIFF')(head) && has(8, 'WAVE')(head),
    advice: 'remove it',
  },
  { name: 'video (QuickTime)', test: isBrand('qt  '), advice: film },
  { name: 'video (QuickTime)', test: has(4, 'moov', 'mdat', 'wide', 'pnot'), advice: film },
  { name: 'video (MP4)', test: has(4, 'ftyp'), advice: film },
  { name: 'video (WebM or Matroska)', test: begins('\x1aE\xdf\xa3'), advice: film },
  { name: 'video (AVI)', test: (head) => begins('RIFF')(head) && has(8, 'AVI ')(head), advice: film },
  { name: 'video (FLV)', test: begins('FLV\x01'), advice: film },
  { name: 'video (MPEG)', test: begins('\0\0\x01\xba', '\0\0\x01\xb3'), advice: film },
  {
    name: 'video (MPEG)',
    test: (head) => head[0] === 'G' && head[188] === 'G' && head[376] === 'G',
    advice: film,
  },
  { name: 'video (WMV)', test: begins('0&\xb2u\x8ef\xcf\x11'), advice: film },
  {
    name: 'Office document',
    test: (head) =>
      (head.startsWith('PK\x03\x04') && /\[Content_Types\]|mimetypeapplication/.test(head)) ||
      head.startsWith('\xd0\xcf\x11\xe0'),
    advice: pages,
  },
  { name: 'zip archive', test: begins('PK\x03\x04', 'PK\x05\x06'), advice: packed },
  { name: 'RAR archive', test: begins('Rar!\x1a'), advice: packed },
  { name: '7z archive', test: begins("7z\xbc\xaf'\x1c"), advice: packed },
  { name: 'gzip archive', test: begins('\x1f\x8b\x08'), advice: packed },
  { name: 'bzip2 archive', test: (head) => /^BZh[1-9]1AY/.test(head), advice: packed },
  { name: 'xz archive', test: begins('\xfd7zXZ\0'), advice: packed },
  { name: 'tar archive', test: has(257, 'ustar'), advice: packed },
  {
    name: 'Git LFS pointer',
    test: begins('version https://git-lfs'),
    advice: 'fetch what it stands for with "git lfs pull"',
  },
];

/** Truevision's TGA has no magic number: checks its type, colour map and bits per pixel. */
function isTga(head: string): boolean {
  const [, map = 0, kind = 0, ...others] = [...head.slice(0, 18)].map((char) => char.charCodeAt(0));
  const bits = others[13] ?? 0;
  const flags = others[14] ?? 255;
  const isIndexed = kind === 1 || kind === 9;
  const isKnown = isIndexed || [2, 3, 10, 11].includes(kind);
  return isKnown && (isIndexed ? map === 1 : map === 0) && [8, 15, 16, 24, 32].includes(bits) && flags < 64;
}

/** What is certainly not a picture. */
const notPictures: Kind[] = [
  { name: 'HTML', test: (head) => /^\s*<(!doctype html|html|head|body)/i.test(head) },
  { name: 'text', test: (head) => head !== '' && /^[\t\r\n\x20-\x7e]*$/.test(head) },
];

/** Names of the supported kinds. */
export const readable = new Set(readKinds.map(({ name }) => name));

/** What to do with a file, by the name of an unsupported kind. */
export const adviceFor = new Map(otherKinds.map(({ name, advice }) => [name, advice]));

const rawPhotograph = 'RAW photograph';
adviceFor.set(rawPhotograph, picture);
adviceFor.set('TGA picture', picture);

const headBytes = 512;
const tga = { name: 'TGA picture', test: isTga };
const kinds = [...readKinds, ...otherKinds, ...notPictures, tga];

/**
 * Recognises the kind of a file by its bytes, whatever its name.
 * @param bytes the whole file, or at least its first 512 bytes.
 * @returns name of the kind, such as 'JPEG' or 'PDF document'; undefined where it is unknown.
 */
export function sniff(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, headBytes)).toString('latin1');
  const kind = kinds.find(({ test }) => test(head))?.name;
  if (kind !== 'TIFF') return kind;
  return isRawPhotograph(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) ? rawPhotograph : kind;
}
