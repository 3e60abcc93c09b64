import { beginningOf, readModelFile } from '../files.ts';
import type { Format } from '../format.ts';

const isNamedLikePyTorch = (source: string) => /\.(pth|pt|bin|ckpt|pth\.tar)$/i.test(source);

/** The name of the first file in a zip archive; '' where the bytes are not the beginning of one. */
function firstInZip(bytes: Uint8Array): string {
  if (bytes.length < 30 || Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'PK\x03\x04') return '';
  const length = bytes[26] as number;
  return Buffer.from(bytes.subarray(30, 30 + length)).toString('latin1');
}

export const pytorch: Format = {
  description: 'PyTorch’s state_dict in a .pth, .pt or .bin file',
  output: 'model.pth',
  async import(source, hints) {
    const [{ readPyTorchFile }, { readStateDict }] = await Promise.all([
      import('./read.ts'),
      import('../state_dict/read.ts'),
    ]);
    const data = await readModelFile(source);
    const { tensors, notes } = readPyTorchFile(data, source);
    const network = readStateDict(tensors, source, hints, data.length);
    return { ...network, notes: [...notes, ...(network.notes ?? [])] };
  },
  async recognises(source) {
    const { looksLegacy } = await import('./legacy.ts');
    const { bytes } = await beginningOf(source, 300);
    if (looksLegacy(bytes)) return true;
    const first = firstInZip(bytes);
    return (
      /\/(data\.pkl|\.format_version|\.storage_alignment|version|byteorder)$/.test(first) ||
      (bytes.length > 0 && isNamedLikePyTorch(source))
    );
  },
};
