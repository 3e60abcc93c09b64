import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { writeDurably } from '../../system/files.ts';
import type { Format, Network } from '../format.ts';
import { tfjs } from '../tfjs/index.ts';
import type { PageRejection } from './rejection.ts';

/** Reads the files that the page needs besides the network; answer.js exists once bat-sup is built. */
async function readRuntime(): Promise<[name: string, data: Buffer][]> {
  const { resolve } = createRequire(import.meta.url);
  const files: [name: string, file: string | URL][] = [
    ['answer.js', new URL('answer.js', import.meta.url)],
    ['jpeg.wasm', new URL('../../images/jpeg/jpeg.wasm', import.meta.url)],
    [
      'tfjs-backend-wasm-simd.wasm',
      resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'),
    ],
  ];
  return Promise.all(
    files.map(async ([name, file]): Promise<[string, Buffer]> => [name, await readFile(file)]),
  );
}

/** The service worker that caches all files of a folder. */
async function offlineFor(folder: string): Promise<string> {
  const digests: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    const hash = createHash('sha256').update(await readFile(join(folder, name)));
    digests[name] = `sha256-${hash.digest('base64')}`;
  }
  const worker = await readFile(new URL('offline.js', import.meta.url), 'utf8');
  return `const digests = ${JSON.stringify(digests)};\n${worker}`;
}

/** The page's unknown.json. */
async function unknownFor({ rejection }: Network): Promise<string> {
  if (!rejection) return 'null\n';
  const { quantise } = await import('../../unknown/quantise.ts');
  const { references, length, distanceFactor, doubtFactor } = rejection;
  const { rows } = quantise(references, length);
  const packed: PageRejection = {
    distanceFactor,
    doubtFactor,
    references: Buffer.from(rows.buffer).toString('base64'),
  };
  return `${JSON.stringify(packed)}\n`;
}

/** A TensorFlow.js model with a web page that runs it. */
export const web: Format = {
  ...tfjs,
  description: 'a page that runs the network in the browser, a folder for any web server',
  output: 'web',
  preprocessing: false,
  rejects: true,
  next: (output) => `python3 -m http.server --directory ${output}; then open http://localhost:8000`,
  async export(network, target, options) {
    const { readPage } = await import('../../page/index.ts');
    await tfjs.export?.(network, target, options);
    await writeDurably(join(target, 'unknown.json'), await unknownFor(network));
    for (const [name, data] of [...(await readPage()), ...(await readRuntime())])
      await writeDurably(join(target, name), data);
    await writeDurably(join(target, 'offline.js'), await offlineFor(target));
  },
};
