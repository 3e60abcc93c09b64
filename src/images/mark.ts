import { open } from 'node:fs/promises';
import { crc32 } from '../system/crc32.ts';

/**
 * Augment marks the files that it makes with a comment (JPEG: COM, PNG: tEXt) that names augment and the SHA-256 of each file
 * that they were made from, in hexadecimal. So they are recognised even after they are renamed or moved.
 */
const prefix = 'bat-sup augment';

/** The mark lies within this many bytes from the start of a file. */
const headBytes = 1024;

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

/** Offset for a JPEG's comment: after SOI and the APP0 segment of JFIF, which must come first. */
function afterJfif(bytes: Buffer): number {
  return bytes.readUInt16BE(2) === 0xffe0 ? 4 + bytes.readUInt16BE(4) : 2;
}

/** Adds the mark to a JPEG or PNG. @param digests SHA-256 of the files that it was made from, hexadecimal. */
export function withMark(bytes: Buffer, digests: string[]): Buffer {
  const text = Buffer.from([prefix, ...digests].join(' '), 'latin1');
  const at = isPng(bytes) ? afterIhdr : afterJfif(bytes);
  const segment = isPng(bytes)
    ? pngChunk('tEXt', Buffer.concat([Buffer.from('Comment\0', 'latin1'), text]))
    : Buffer.concat([Buffer.of(0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 255), text]);
  return Buffer.concat([bytes.subarray(0, at), segment, bytes.subarray(at)]);
}

/** The comment at the place where {@link withMark} puts it; '' where there is none. */
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

/** The digests in a file's mark; undefined where it has no mark or cannot be read. */
export async function readMark(file: string): Promise<string[] | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const comment = commentOf(buffer.subarray(0, bytesRead));
    return comment.startsWith(`${prefix} `) ? comment.split(' ').slice(2) : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
