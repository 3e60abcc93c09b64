/**
 * Training speed of a network: our engines, PyTorch (also by torch.compile) and Keras (also by jit_compile).
 *
 * npm run bench -- train [--network article] [--size 100] [--classes 2] [--batch 10] [--threads 0] [--engines native,wasm]
 *   [--precision float32] [--against pytorch,keras] [--pytorch-python python] [--keras-python python] [--rounds 7] [--json]
 *
 * --network: article, deep, residual or another one of --architecture. Everyone takes whole training steps (forward, backward,
 * Adam; batch normalisation by the batch's statistics) on uint8 pictures in memory, from the same weights, in a process of
 * their own. The losses of the first steps must agree. Rounds alternate. --threads 0 leaves the number of threads to each
 * framework. CPU time is that of all threads together: on a busy machine it tells more than the clock.
 */
import type { EngineName } from '../src/engine/index.ts';
import type { ArchitectureName } from '../src/models/index.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { compareTraining, type Rival, rivals } from './training/contestants.ts';
import { networkToTrain } from './training/task.ts';

const options = readOptions({
  network: 'article' as ArchitectureName,
  size: 100,
  classes: 2,
  batch: [10],
  threads: 0,
  precision: 'float32' as 'float32' | 'bf16',
  rounds: 7,
  engines: ['native', 'wasm'] as EngineName[],
  against: [] as Rival[],
  'pytorch-python': '',
  'keras-python': '',
});
const { threads, precision, rounds } = options;
const network = networkToTrain(options.network, options);
const contestants = [...options.engines, ...options.against.flatMap((name) => rivals[name])];
const pythons = { pytorch: options['pytorch-python'], keras: options['keras-python'] };
const rows = [];
for (const batch of options.batch)
  rows.push(
    ...(await compareTraining({ network, batch, threads, precision }, { contestants, rounds, pythons })),
  );
report('train', options, { network: options.network, size: options.size, contestants: rows });
