/** Takes training steps with one of our engines: engine.ts <task.json> <engine>. */
import { readFileSync } from 'node:fs';
import { type EngineName, EngineUnavailable, startEngine } from '../../src/engine/index.ts';
import { createModel } from '../../src/models/model.ts';
import { converseAboutSteps } from './steps.ts';
import { type TrainingTask, weightsToTrain } from './task.ts';

const [file = '', name] = process.argv.slice(2);
const {
  network,
  batch,
  threads,
  precision = 'float32',
  ...freezing
}: TrainingTask = JSON.parse(readFileSync(file, 'utf8'));
try {
  const { description } = await startEngine(name as EngineName, { threads, precision });
  const model = createModel(network, { ...freezing, restored: weightsToTrain(network) });
  await converseAboutSteps(description, model, batch);
} catch (error) {
  if (!(error instanceof EngineUnavailable)) throw error;
  console.log(JSON.stringify({ failed: error.message }));
}
