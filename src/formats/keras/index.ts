import { writeDurably } from '../../system/files.ts';
import { beginningOf } from '../files.ts';
import type { Format } from '../format.ts';

/** How an HDF5 file begins. */
const hdf5Signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
const zipSignature = Buffer.from('PK\x03\x04', 'latin1');

export const keras: Format = {
  description: 'Keras 3; import reads .h5 as well',
  output: 'model.keras',
  whyNotAll: 'Keras has no convolutions of int8, and the HDF5 library used here writes no float16',
  preprocessing: true,
  async export(network, target, options) {
    const { encodeKeras } = await import('./encode.ts');
    const { refuseLackingLayers } = await import('../keras_model/write.ts');
    refuseLackingLayers(network.layers, 'keras');
    await writeDurably(target, await encodeKeras(network, options));
  },
  async import(source, hints) {
    const { readApart } = await import('./read_apart.ts');
    return readApart({ source, hints });
  },
  async recognises(source) {
    const { bytes } = await beginningOf(source, 8);
    const beginsWith = (signature: Buffer) =>
      Buffer.compare(signature, bytes.subarray(0, signature.length)) === 0;
    return beginsWith(hdf5Signature) || (beginsWith(zipSignature) && source.endsWith('.keras'));
  },
};
