import { open } from 'node:fs/promises';

/**
 * Augment marks what it makes: a comment in the file itself (JPEG: COM, PNG: tEXt) names it and the SHA-256 of each
 * file that went into it, as hexadecimal. So it is known again whatever becomes of its name and folder.
 */
const sign = 'bat-sup augment';

/** The mark is within so many bytes of the start of a file. */
const headBytes = 1024;

/** The CRC-32 that PNG's chunks end with (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  crc.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, crc]);
}

const afterIhdr = 33;

function isPng(bytes: Buffer): boolean {
  return bytes.readUInt32BE(0) === 0x89504e47;
}

/** Where a JPEG's comment goes: after SOI and the APP0 segment of JFIF, which must come first. */
function afterJfif(bytes: Buffer): number {
  return bytes.readUInt16BE(2) === 0xffe0 ? 4 + bytes.readUInt16BE(4) : 2;
}

/** A JPEG or PNG with the mark. @param digests SHA-256 of what it was made of, hexadecimal. */
export function withMark(bytes: Buffer, digests: string[]): Buffer {
  const text = Buffer.from([sign, ...digests].join(' '), 'latin1');
  const at = isPng(bytes) ? afterIhdr : afterJfif(bytes);
  const segment = isPng(bytes)
    ? pngChunk('tEXt', Buffer.concat([Buffer.from('Comment\0', 'latin1'), text]))
    : Buffer.concat([Buffer.of(0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 255), text]);
  return Buffer.concat([bytes.subarray(0, at), segment, bytes.subarray(at)]);
}

/** The text of the comment where {@link withMark} puts it. */
function commentOf(head: Buffer): string {
  if (head.length < afterIhdr + 12) return '';
  if (isPng(head)) {
    const length = head.readUInt32BE(afterIhdr);
    return head.toString('latin1', afterIhdr + 8, afterIhdr + 8 + length).replace(/^Comment\0/, '');
  }
  const at = afterJfif(head);
  if (at + 4 > head.length || head.readUInt16BE(at) !== 0xfffe) return '';
  return head.toString('latin1', at + 4, at + 2 + head.readUInt16BE(at + 2));
}

/** The digests of a file's mark; undefined where it has none or cannot be read. */
export async function readMark(file: string): Promise<string[] | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const comment = commentOf(buffer.subarray(0, bytesRead));
    return comment.startsWith(`${sign} `) ? comment.split(' ').slice(2) : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
