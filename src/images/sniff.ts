const signatures: [kind: string, test: (head: string) => boolean][] = [
  ['JPEG', (head) => head.startsWith('\xff\xd8\xff')],
  ['PNG', (head) => head.startsWith('\x89PNG')],
  ['GIF', (head) => head.startsWith('GIF8')],
  ['WebP', (head) => head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP'],
  ['TIFF', (head) => head.startsWith('II*\0') || head.startsWith('MM\0*')],
  ['AVIF or HEIF', (head) => head.slice(4, 8) === 'ftyp'],
  ['SVG', (head) => /^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<svg/s.test(head)],
  ['BMP', (head) => head.startsWith('BM')],
  ['HTML', (head) => /^\s*<(!doctype html|html|head|body)/i.test(head)],
  ['PDF', (head) => head.startsWith('%PDF')],
  ['text', (head) => head !== '' && /^[\t\r\n\x20-\x7e]*$/.test(head)],
];

/** What a file's first bytes say it is, whatever its name; undefined for something else. */
export function sniff(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  return signatures.find(([, test]) => test(head))?.[0];
}
