/** Prints a digest of what the native engine makes of the odd networks with so many threads. */
import { createHash } from 'node:crypto';
import { startEngine } from '../../src/engine/index.ts';
import { foldedOutput, oddNetworks, randomPictures } from './odd_networks.ts';

const engine = await startEngine('native', { threads: Number(process.argv[2]) });
const hash = createHash('sha256');
for (const [, network] of oddNetworks())
  for (const count of [1, 4]) hash.update(foldedOutput(network, randomPictures(network, count)));
process.stdout.write(hash.digest('hex'));
await engine.dispose();
