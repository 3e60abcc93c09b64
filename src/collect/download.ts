import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { unreadableReason } from '../images/decode.ts';
import { readable, sniff } from '../images/sniff.ts';
import { FetchFailure } from './failure.ts';
import type { Answer, Web } from './web.ts';

/** Bytes that sniff looks at. */
const headLength = 512;

/** XML may turn out to be SVG further on, past declarations and comments of any length. */
const xml = /^(\ufeff)?\s*<(\?xml|!--|!doctype svg)/i;

async function checkHead(head: Buffer): Promise<void> {
  if (readable.has(sniff(head) ?? '') || xml.test(head.toString())) return;
  throw new FetchFailure(await unreadableReason(head, ''), 'never');
}

async function writeChunks({ chunks }: Answer, handle: FileHandle, maxBytes: number) {
  const hash = createHash('sha256');
  let head = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of chunks) {
    const headWasOpen = head.length < headLength;
    if (headWasOpen) {
      head = Buffer.concat([head, chunk]).subarray(0, headLength);
      if (head.length === headLength) await checkHead(head);
    }
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    hash.update(chunk);
    await handle.writeFile(chunk);
  }
  if (bytes < headLength) await checkHead(head);
  return { sha256: hash.digest('hex'), bytes };
}

function tooLarge(maxBytes: number): FetchFailure {
  return new FetchFailure(`it is larger than ${maxBytes} bytes (--max-bytes)`, 'never');
}

/**
 * Fetches what a URL holds into a file, and stops as soon as it is too large or its first bytes are no picture's,
 * whatever the URL or the server call it.
 * @param maxBytes at most so many bytes.
 * @throws {FetchFailure} where it cannot be had; the file may hold a part of it then.
 */
export function download(
  web: Web,
  url: string,
  file: string,
  maxBytes: number,
): Promise<{ sha256: string; bytes: number }> {
  return web.get(url, { accept: 'image/*', robots: true }, async (answer) => {
    if ((answer.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const handle = await open(file, 'w');
    try {
      const written = await writeChunks(answer, handle, maxBytes);
      await handle.sync();
      return written;
    } finally {
      await handle.close();
    }
  });
}
