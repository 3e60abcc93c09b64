import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportNetwork } from '../../src/formats/export.ts';
import { type ExportOptions, type Format, formats, type Network } from '../../src/formats/index.ts';
import { withChannelsReversed } from '../../src/models/preprocessing.ts';
import { temporaryFolder } from './folder.ts';
import { picturesFor } from './network.ts';
import { runPython } from './python.ts';

/** An exported network, and pictures for it. */
export interface Asked {
  name: string;
  network: Network;
  options: ExportOptions;
  pixels: Uint8Array;
  file: string;
}

/** Exports each network with each of the options. */
export async function exportAll(
  format: string,
  networks: [name: string, network: Network][],
  ways: ExportOptions[],
): Promise<Asked[]> {
  const { output } = formats[format] as Format;
  const folder = temporaryFolder();
  const asked: Asked[] = [];
  for (const [name, network] of networks)
    for (const options of ways) {
      const file = join(folder, String(asked.length), output);
      await exportNetwork(network, formats[format] as Format, file, options);
      const described = `${name}, ${options.weights}, preprocessing ${options.preprocessing}`;
      asked.push({ name: described, network, options, pixels: picturesFor(network.model, 3), file });
    }
  return asked;
}

/** How an export that reads RGB takes a network's pictures. */
export function rgbNormalisation({ model, preprocessing }: Pick<Network, 'model' | 'preprocessing'>) {
  const isReversed = preprocessing.order === 'bgr' && model.channels === 3;
  const { scale, mean, deviation } = isReversed ? withChannelsReversed(preprocessing) : preprocessing;
  return { scale, ...(mean && { mean }), ...(deviation && { deviation }) };
}

/** What is left to whoever gives pixels to an export, in the order of its channels, which is RGB. */
export function outsideOf(network: Pick<Network, 'model' | 'preprocessing'>, options: ExportOptions) {
  const isInside = options.preprocessing === 'inside';
  return { mean: 0, deviation: 1, ...(isInside ? { scale: null } : rgbNormalisation(network)) };
}

/** Runs a Python script that predicts with another program from the exports. @returns what it prints, per export. */
export function askPython<T>(script: URL, asked: Asked[]): T[] {
  const folder = temporaryFolder();
  const tasks = asked.map(({ network: { model, preprocessing }, options, pixels, file }, index) => {
    const pixelFile = join(folder, String(index));
    writeFileSync(pixelFile, pixels);
    return {
      file,
      pixels: pixelFile,
      shape: [-1, model.height, model.width, model.channels],
      ...outsideOf({ model, preprocessing }, options),
    };
  });
  writeFileSync(join(folder, 'tasks.json'), JSON.stringify(tasks));
  return runPython(script, join(folder, 'tasks.json'));
}
