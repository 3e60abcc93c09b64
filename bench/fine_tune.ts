/**
 * Speed and memory of fine-tuning EfficientNet-Lite0: our engines and PyTorch.
 *
 * npm run bench -- fine_tune [--batch 10,32] [--size 224] [--frozen 0] [--threads 0] [--engines native,wasm]
 *   [--against pytorch] [--pytorch-python python] [--rounds 5] [--json]
 *
 * Everyone takes whole training steps (forward, backward, Adam; batch normalisation in inference mode, its scale and offset
 * learn) on uint8 pictures in memory, from the same weights, in a process of their own. The losses of the first steps must
 * agree. Rounds alternate. --frozen: number of layers, from the pictures on, that do not learn. CPU time is that of all
 * threads together: on a busy machine it tells more than the clock.
 */
import type { EngineName } from '../src/engine/index.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { compareTraining, type Rival } from './training/contestants.ts';
import { networkToTrain } from './training/task.ts';

const options = readOptions({
  batch: [10, 32],
  size: 224,
  frozen: 0,
  threads: 0,
  rounds: 5,
  engines: ['native', 'wasm'] as EngineName[],
  against: [] as Rival[],
  'pytorch-python': '',
});
const { size, threads, rounds } = options;
const network = networkToTrain('efficientnet-lite0', { size, classes: 3 });
const frozen = (network.layers ?? []).slice(0, options.frozen).map(({ name }) => name);
const contestants = [...options.engines, ...options.against];
const pythons = { pytorch: options['pytorch-python'] };
const rows = [];
for (const batch of options.batch) {
  const task = { network, batch, threads, frozen, frozenStatistics: true };
  rows.push(...(await compareTraining(task, { contestants, rounds, pythons })));
}
report('fine_tune', options, { size, contestants: rows });
