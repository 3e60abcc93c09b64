import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { unreadableReason } from '../images/decode.ts';
import { readable, sniff } from '../images/sniff.ts';
import { FetchFailure } from './failure.ts';
import type { ResponseBody, Web } from './web.ts';

/** Number of bytes that sniff needs. */
const headLength = 512;

/** XML may still be SVG after declarations and comments of any length. */
const xml = /^(\ufeff)?\s*<(\?xml|!--|!doctype svg)/i;

async function checkHead(head: Buffer): Promise<void> {
  if (readable.has(sniff(head) ?? '') || xml.test(head.toString())) return;
  throw new FetchFailure(await unreadableReason(head, ''), 'never');
}

async function writeChunks({ chunks }: ResponseBody, handle: FileHandle, maxBytes: number) {
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
 * Downloads a URL into a file. It stops as soon as there are too many bytes, or the first bytes are not those of a picture,
 * whatever the URL or the server call it.
 * @throws {FetchFailure} where the download fails; the file may be incomplete then.
 */
export function download(
  web: Web,
  url: string,
  file: string,
  maxBytes: number,
): Promise<{ sha256: string; bytes: number }> {
  return web.get(url, { accept: 'image/*', robots: true }, async (body) => {
    if ((body.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const handle = await open(file, 'w');
    try {
      const written = await writeChunks(body, handle, maxBytes);
      await handle.sync();
      return written;
    } finally {
      await handle.close();
    }
  });
}
