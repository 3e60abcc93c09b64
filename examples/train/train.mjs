/**
 * A training written with the library, in a folder with rawdata/<class>/: node train.mjs [--epochs 5] [--run first]
 * Settings that are not given here come from the environment, config.ts and the defaults, as with `bat-sup train`.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  evaluateCheckpoint,
  findCheckpoint,
  readSettings,
  resizeAll,
  startEngine,
  train,
  validationPictures,
} from 'bat-sup';

const { values: flags } = parseArgs({
  options: { epochs: { type: 'string' }, run: { type: 'string', default: 'first' } },
});
const settings = await readSettings(flags.epochs ? { epochs: flags.epochs } : {});
const run = join(settings.checkpoints, flags.run);

const resized = await resizeAll(settings);
console.log(`${resized.classes.join(', ')}: ${resized.made} pictures resized`);

// Ctrl-C finishes the step and saves.
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const engine = await startEngine(settings.engine, { threads: settings.threads });
const { position } = await train({
  settings,
  run,
  engine,
  signal: stop.signal,
  events: {
    epoch: (epoch, { loss, validationAccuracy }) =>
      console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, validation accuracy ${validationAccuracy}`),
  },
});
console.log(`${position.step} steps`);

const checkpoint = await findCheckpoint(run);
const { evaluation } = await evaluateCheckpoint(checkpoint, await validationPictures(checkpoint), {
  calibrate: false,
  seed: settings.seed,
  topLosses: 5,
});
console.log(`${checkpoint.folder}: accuracy ${evaluation.accuracy}`);
await engine.dispose();
