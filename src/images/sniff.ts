import { isRawPhotograph } from './tiff_tags.ts';

/** What a file's first bytes say it is. */
interface Kind {
  name: string;
  test: (head: string) => boolean;
}

/** Whether one of these texts stands at a place. */
const has =
  (place: number, ...texts: string[]) =>
  (head: string) =>
    texts.some((text) => head.startsWith(text, place));
const begins = (...texts: string[]) => has(0, ...texts);

/** The brands of an ISO base media file: the main one, then those that it can be read as too. */
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

/** A file header, then a header of 12 bytes or more, but never so many as four letters make. */
function isBmp(head: string): boolean {
  return head.startsWith('BM') && (head.length < 18 || (head[16] === '\0' && head[17] === '\0'));
}

/** A directory of icons: its kind, how many there are, and a reserved byte of the first. */
const isIcon = (kind: number) => (head: string) =>
  begins(`\0\0${String.fromCharCode(kind)}\0`)(head) &&
  head[4] !== '\0' &&
  has(5, '\0')(head) &&
  has(9, '\0')(head);

/** Version, run lengths, and bits per sample. */
function isPcx(head: string): boolean {
  const [version, bits] = [head.charCodeAt(1), head.charCodeAt(3)];
  return begins('\n')(head) && version <= 5 && has(2, '\x01')(head) && [1, 2, 4, 8].includes(bits);
}

/** The kinds that are read. */
const readKinds: Kind[] = [
  { name: 'JPEG', test: begins('\xff\xd8\xff') },
  { name: 'PNG', test: begins('\x89PNG') },
  { name: 'GIF', test: begins('GIF8') },
  { name: 'WebP', test: (head) => begins('RIFF')(head) && has(8, 'WEBP')(head) },
  // Canon's RAW files begin as one, and have their own mark further on.
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

/** Kinds that people keep among their pictures, which are not read, and what to do with each. */
const otherKinds: (Kind & { todo: string })[] = [
  {
    name: 'RAW photograph (CR2)',
    test: (head) => begins('II*', 'MM')(head) && has(8, 'CR')(head),
    todo: picture,
  },
  { name: 'RAW photograph (CR3)', test: isBrand('crx '), todo: picture },
  { name: 'RAW photograph (CRW)', test: has(6, 'HEAPCCDR'), todo: picture },
  { name: 'RAW photograph (RAF)', test: begins('FUJIFILMCCD-RAW'), todo: picture },
  { name: 'RAW photograph (ORF)', test: begins('IIRO', 'IIRS', 'MMOR'), todo: picture },
  { name: 'RAW photograph (RW2)', test: begins('IIU\0'), todo: picture },
  { name: 'RAW photograph (X3F)', test: begins('FOVb'), todo: picture },
  { name: 'RAW photograph (MRW)', test: begins('\0MRM'), todo: picture },
  { name: 'JPEG XL picture', test: begins('\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'), todo: picture },
  { name: 'JPEG 2000 picture', test: begins('\0\0\0\x0cjP  \r\n\x87\n', '\xffO\xffQ'), todo: picture },
  { name: 'JPEG XR picture', test: begins('II\xbc\x01'), todo: picture },
  { name: 'Windows icon', test: isIcon(1), todo: picture },
  { name: 'Windows cursor', test: isIcon(2), todo: picture },
  { name: 'macOS icon', test: begins('icns'), todo: picture },
  { name: 'Photoshop document', test: begins('8BPS'), todo: picture },
  { name: 'GIMP document', test: begins('gimp xcf'), todo: picture },
  { name: 'PostScript document', test: begins('%!PS', '\xc5\xd0\xd3\xc6'), todo: pages },
  { name: 'PDF document', test: begins('%PDF'), todo: pages },
  { name: 'DjVu document', test: begins('AT&TFORM'), todo: pages },
  { name: 'QOI picture', test: begins('qoif'), todo: picture },
  { name: 'DDS texture', test: begins('DDS '), todo: picture },
  { name: 'OpenEXR picture', test: begins('v/1\x01'), todo: picture },
  { name: 'Radiance HDR picture', test: begins('#?RADIANCE', '#?RGBE'), todo: picture },
  { name: 'FITS picture', test: begins('SIMPLE  ='), todo: picture },
  { name: 'DICOM picture', test: has(128, 'DICM'), todo: picture },
  { name: 'PCX picture', test: isPcx, todo: picture },
  {
    name: 'SGI picture',
    test: begins('\x01\xda\0\x01', '\x01\xda\x01\x01', '\x01\xda\0\x02', '\x01\xda\x01\x02'),
    todo: picture,
  },
  { name: 'Sun raster picture', test: begins('Y\xa6j\x95'), todo: picture },
  { name: 'MNG animation', test: begins('\x8aMNG', '\x8bJNG'), todo: picture },
  { name: 'BPG picture', test: begins('BPG\xfb'), todo: picture },
  { name: 'FLIF picture', test: begins('FLIF'), todo: picture },
  { name: 'XPM picture', test: begins('/* XPM */'), todo: picture },
  { name: 'XBM picture', test: (head) => /^\s*#define\s+\w+_width\s+\d+/.test(head), todo: picture },
  {
    name: 'Windows metafile',
    test: (head) => begins('\xd7\xcd\xc6\x9a')(head) || has(40, ' EMF')(head),
    todo: picture,
  },
  { name: 'NumPy array', test: begins('\x93NUMPY'), todo: picture },
  { name: 'HDF5 file', test: begins('\x89HDF'), todo: 'save its pictures as JPEG or PNG' },
  { name: 'sound recording', test: begins('ID3', 'fLaC', 'OggS'), todo: 'remove it' },
  { name: 'sound recording', test: isBrand('M4A ', 'M4B '), todo: 'remove it' },
  {
    name: 'sound recording',
    test: (head) => begins('RIFF')(head) && has(8, 'WAVE')(head),
    todo: 'remove it',
  },
  { name: 'video (QuickTime)', test: isBrand('qt  '), todo: film },
  { name: 'video (QuickTime)', test: has(4, 'moov', 'mdat', 'wide', 'pnot'), todo: film },
  { name: 'video (MP4)', test: has(4, 'ftyp'), todo: film },
  { name: 'video (WebM or Matroska)', test: begins('\x1aE\xdf\xa3'), todo: film },
  { name: 'video (AVI)', test: (head) => begins('RIFF')(head) && has(8, 'AVI ')(head), todo: film },
  { name: 'video (FLV)', test: begins('FLV\x01'), todo: film },
  { name: 'video (MPEG)', test: begins('\0\0\x01\xba', '\0\0\x01\xb3'), todo: film },
  {
    name: 'video (MPEG)',
    test: (head) => head[0] === 'G' && head[188] === 'G' && head[376] === 'G',
    todo: film,
  },
  { name: 'video (WMV)', test: begins('0&\xb2u\x8ef\xcf\x11'), todo: film },
  {
    name: 'Office document',
    test: (head) =>
      (head.startsWith('PK\x03\x04') && /\[Content_Types\]|mimetypeapplication/.test(head)) ||
      head.startsWith('\xd0\xcf\x11\xe0'),
    todo: pages,
  },
  { name: 'zip archive', test: begins('PK\x03\x04', 'PK\x05\x06'), todo: packed },
  { name: 'RAR archive', test: begins('Rar!\x1a'), todo: packed },
  { name: '7z archive', test: begins("7z\xbc\xaf'\x1c"), todo: packed },
  { name: 'gzip archive', test: begins('\x1f\x8b\x08'), todo: packed },
  { name: 'bzip2 archive', test: (head) => /^BZh[1-9]1AY/.test(head), todo: packed },
  { name: 'xz archive', test: begins('\xfd7zXZ\0'), todo: packed },
  { name: 'tar archive', test: has(257, 'ustar'), todo: packed },
  {
    name: 'Git LFS pointer',
    test: begins('version https://git-lfs'),
    todo: 'fetch what it stands for with "git lfs pull"',
  },
];

/** Truevision's TGA has no mark of its own: its kind, what its colours are, and the bits of a pixel. */
function isTga(head: string): boolean {
  const [, map = 0, kind = 0, ...others] = [...head.slice(0, 18)].map((char) => char.charCodeAt(0));
  const bits = others[13] ?? 0;
  const flags = others[14] ?? 255;
  const isIndexed = kind === 1 || kind === 9;
  const isKnown = isIndexed || [2, 3, 10, 11].includes(kind);
  return isKnown && (isIndexed ? map === 1 : map === 0) && [8, 15, 16, 24, 32].includes(bits) && flags < 64;
}

/** What is no picture beyond doubt. */
const noPictures: Kind[] = [
  { name: 'HTML', test: (head) => /^\s*<(!doctype html|html|head|body)/i.test(head) },
  { name: 'text', test: (head) => head !== '' && /^[\t\r\n\x20-\x7e]*$/.test(head) },
];

/** Names of the kinds that are read. */
export const readable = new Set(readKinds.map(({ name }) => name));

/** For the names of other kinds, what to do with such a file. */
export const adviceFor = new Map(otherKinds.map(({ name, todo }) => [name, todo]));

const rawPhotograph = 'RAW photograph';
adviceFor.set(rawPhotograph, picture);
adviceFor.set('TGA picture', picture);

const headBytes = 512;
const tga = { name: 'TGA picture', test: isTga };
const kinds = [...readKinds, ...otherKinds, ...noPictures, tga];

/**
 * What a file's bytes say it is, whatever its name; undefined for something unknown.
 * @param bytes all of it, or at least the first 512.
 */
export function sniff(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, headBytes)).toString('latin1');
  const kind = kinds.find(({ test }) => test(head))?.name;
  if (kind !== 'TIFF') return kind;
  return isRawPhotograph(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)) ? rawPhotograph : kind;
}
