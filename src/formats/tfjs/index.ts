import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeDurably } from '../../system/files.ts';
import { beginningOf } from '../files.ts';
import type { Format } from '../format.ts';

/** The path of a folder's model.json, or of the file itself. */
async function modelJson(source: string): Promise<string> {
  return (await stat(source)).isDirectory() ? join(source, 'model.json') : source;
}

export const tfjs: Format = {
  description: 'TensorFlow.js layers-model for browsers, a folder',
  output: 'tfjs',
  weights: ['float32', 'float16', 'int8'],
  preprocessing: true,
  async export(network, target, options) {
    const { encodeTfjs } = await import('./encode.ts');
    const { refuseLackingLayers } = await import('../keras_model/write.ts');
    refuseLackingLayers(network.layers, 'tfjs');
    await mkdir(target);
    for (const [name, data] of encodeTfjs(network, options)) await writeDurably(join(target, name), data);
  },
  async import(source, hints) {
    const { readTfjs } = await import('./read.ts');
    return readTfjs(await modelJson(source), hints);
  },
  async recognises(source) {
    const file = await modelJson(source);
    if (!basename(file).endsWith('.json')) return false;
    const { bytes } = await beginningOf(file, 100_000).catch(() => ({ bytes: new Uint8Array() }));
    return /"(modelTopology|weightsManifest|layers-model)"/.test(Buffer.from(bytes).toString('latin1'));
  },
};
