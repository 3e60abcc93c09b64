/** Ranks on two hosts: mpirun reaches the second one, and they each other, over a network. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readHistory } from '../../src/runs/history.ts';
import { bin } from '../helpers/bin.ts';
import { cli, finish } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertTwoRanks, mpich5, openMpi5, system, withoutMpirun } from '../helpers/mpirun.ts';
import { checkpointsOf } from '../helpers/runs.ts';
import { type Disturbance, TwoHosts, withoutHosts } from '../helpers/two_hosts.ts';

const epochs = 10;
const small = ['--width', '16', '--height', '16', '--seed', '3', '--batch-size', '5'];

for (const mpi of [system, openMpi5, mpich5])
  describe(`ranks on two hosts, by ${mpi.name}`, { skip: withoutMpirun(mpi) || withoutHosts() }, () => {
    const folder = temporaryFolder();
    let hosts: TwoHosts;

    before(async () => {
      await writeRawData(folder);
      hosts = new TwoHosts();
    });
    after(() => hosts.remove());

    async function trainOver(run: string, disturbance: Disturbance) {
      await hosts.connect(disturbance);
      const args = ['train', ...small, '--epochs', String(epochs), '--run', run];
      const { code, stderr } = await finish(hosts.start(mpi, folder, [bin, ...args]));
      assert.equal(code, 0, stderr);
      assertTwoRanks(stderr, mpi);
      const { carried, lost } = await hosts.disconnect();
      const checkpoints = join(folder, 'checkpoints', run);
      const last = checkpointsOf(checkpoints).at(-1) as string;
      const read = (name: string) => readFileSync(join(checkpoints, last, name));
      const history = await readHistory(checkpoints);
      const seconds = history.slice(1).reduce((sum, epoch) => sum + epoch.seconds, 0);
      const steps = (history.at(-1)?.step ?? 0) - (history[0]?.step ?? 0);
      const step = `${((1000 * seconds) / steps).toFixed(1)} ms a step, ${carried} packets, ${lost} lost`;
      return { learnt: [read('weights.bin'), read('optimizer.bin')], carried, lost, step };
    }

    test('train to the same weights, even if packets are late or lost', async (context) => {
      const good = await trainOver('good', { delay: 0, loss: 0 });
      const bad = await trainOver('bad', { delay: 5, loss: 0.01 });
      context.diagnostic(`undisturbed: ${good.step}; 5 ms and 1 % loss each way: ${bad.step}`);
      assert.ok(
        good.carried > 1000 && good.lost === 0 && bad.lost > 5,
        JSON.stringify([good.step, bad.step]),
      );
      assert.deepEqual(bad.learnt, good.learnt);
    });

    test('predict like one process', async () => {
      await hosts.connect({ delay: 5, loss: 0.01 });
      const alone = await cli(folder, 'predict', 'data', '--json');
      const { code, stdout, stderr } = await finish(
        hosts.start(mpi, folder, [bin, 'predict', 'data', '--json']),
      );
      assert.equal(code, 0, stderr);
      assert.equal(stdout, alone.stdout);
      await hosts.disconnect();
    });
  });
