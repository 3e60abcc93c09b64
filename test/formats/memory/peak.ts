/** Imports a network as a run, and prints the most memory that the process has had, in bytes. Arguments: its path, the run. */
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { saveImported } from '../../../src/formats/network.ts';

async function main([source = '', run = '']: string[]): Promise<void> {
  const engine = await startEngine('wasm', { threads: 1 });
  const { network } = await importNetwork(source);
  await engine.dispose();
  const training = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
  await saveImported(network, run, training);
  console.log(process.resourceUsage().maxRSS * 1024);
}

main(process.argv.slice(2));
