/** Fine-tunes a small network on the native engine. Usage: losses_on_threads.ts <threads> -> its losses and the sums of its weights */
import { startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { Adam } from '../../src/training/adam.ts';
import { trainStep } from '../../src/training/step.ts';
import { mbconvNetwork, trainedWeights } from '../helpers/mbconv.ts';
import { picturesFor } from '../helpers/network.ts';

const batchSize = 40;
const description = mbconvNetwork(26, 22);
await startEngine('native', { threads: Number(process.argv[2]) });
const model = createModel(description, { restored: trainedWeights(description), frozenStatistics: true });
const adam = new Adam(model.variables);
const labels = Array.from({ length: batchSize }, (_, row) => row % 3);
const batch = { pixels: picturesFor(description, batchSize), labels };
const losses = [1, 2, 3].map((step) => trainStep(model, adam, batch, { step, learningRate: 1e-3 })().loss);
const weights = [...model.variables].map(([name, variable]) => [name, [...variable.dataSync()]]);
console.log(JSON.stringify({ losses, weights }));
