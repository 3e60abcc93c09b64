import type { ExportOptions, Network } from '../../src/formats/index.ts';
import type { ModelDescription } from '../../src/models/model.ts';
import { articleDescription, networkOf } from './network.ts';

/** Networks that between them have every layer, sizes that halve unevenly, both kinds of pictures. */
const descriptions: Record<string, ModelDescription> = {
  article: articleDescription,
  grey: { ...articleDescription, channels: 1, width: 21, height: 25 },
  deep: { ...articleDescription, architecture: 'deep', width: 33, height: 26 },
  residual: { ...articleDescription, architecture: 'residual', width: 29, height: 36 },
};

/** The engine must run. */
export function networkCases(): [name: string, network: Network][] {
  const cases = Object.entries(descriptions).map(([name, description]): [string, Network] => [
    name,
    networkOf(description),
  ]);
  const opencv = networkOf();
  return [...cases, ['bgr', { ...opencv, preprocessing: { fit: 'fill', scale: 1 / 64, order: 'bgr' } }]];
}

export const inside: ExportOptions = { weights: 'float32', preprocessing: 'inside' };
export const outside: ExportOptions = { weights: 'float32', preprocessing: 'outside' };
