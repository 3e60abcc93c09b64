import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { verifyCheckpoint } from '../../src/checkpoints/index.ts';
import { cli, finish, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { checkpointsOf, outcome } from '../helpers/runs.ts';

/** More than the test needs: BATSUP_TEST_KILLS=100. */
const kills = Number(process.env.BATSUP_TEST_KILLS ?? 6);
const random = seedrandom(process.env.BATSUP_TEST_SEED ?? 'kills');

const folder = temporaryFolder();
const epochs = 8;
const settings = [
  '--width',
  '16',
  '--height',
  '16',
  '--batch-size',
  '4',
  '--epochs',
  String(epochs),
  '--seed',
  '3',
];
const train = ['train', '--save-every-steps', '2', '--augment', 'online', ...settings];

before(async () => {
  await writeRawData(folder);
  const { code, stderr } = await cli(folder, ...train, '--run', 'unbroken');
  assert.equal(code, 0, stderr);
});

const [unbroken, broken] = ['unbroken', 'broken'].map((run) => join(folder, 'checkpoints', run)) as [
  string,
  string,
];

const ways: Record<string, (child: ChildProcess) => unknown> = {
  SIGINT: (child) => child.kill('SIGINT'),
  SIGTERM: (child) => child.kill('SIGTERM'),
  SIGKILL: (child) => child.kill('SIGKILL'),
  'two SIGINTs': async (child) => {
    child.kill('SIGINT');
    await sleep(random() * 20);
    child.kill('SIGINT');
  },
};

/** Trains until it is stopped in some way at some moment: three times of four once it is learning. */
async function trainAndStop(stop: boolean): Promise<{ way: string; stopped: boolean; stderr: string }> {
  const resume = checkpointsOf(broken).length > 0 ? ['--resume'] : [];
  const way = Object.keys(ways)[Math.floor(random() * 4)] as string;
  const isLearning = random() < 0.75;
  const wait = random() * 400;
  const child = startCli(folder, [...train, '--run', 'broken', ...resume]);
  let waiting = !stop;
  const stopLater = () => {
    waiting = true;
    setTimeout(() => ways[way]?.(child), wait);
  };
  if (stop && !isLearning) stopLater();
  const { code, stdout, stderr } = await finish(child, (soFar) => {
    if (!waiting && soFar.includes('for validation')) stopLater();
  });
  assert.ok(waiting, `it never said that it is learning:\n${stderr}`);
  // A signal that comes before it is listened for ends the process as it would any other.
  assert.ok(code === 0 || code === 130 || code === null, `${way}: exit code ${code}\n${stderr}`);
  return { way, stopped: !stdout.includes(`Trained ${epochs} of ${epochs}`), stderr };
}

test(`a training stopped ${kills} times at random moments ends like an uninterrupted one`, async (context) => {
  const wanted = outcome(unbroken);
  const counts: Record<string, number> = {};
  let [stops, finished] = [0, 0];
  // A training that is stopped before it has made its folder leaves nothing to look at: the last one finishes.
  let isFinished = false;
  while (stops < kills || !isFinished) {
    const { way, stopped, stderr } = await trainAndStop(stops < kills);
    for (const name of checkpointsOf(broken))
      assert.deepEqual(await verifyCheckpoint(join(broken, name)), [], `after ${way}`);
    assert.doesNotMatch(stderr, /damaged|starts again|changed settings/);
    isFinished = !stopped;
    if (stopped) {
      stops++;
      counts[way] = (counts[way] ?? 0) + 1;
      continue;
    }
    assert.deepEqual(outcome(broken), wanted);
    finished++;
    if (stops < kills) rmSync(broken, { recursive: true });
  }
  context.diagnostic(`stopped ${stops} times (${JSON.stringify(counts)}), finished ${finished} times`);
  const kinds = new Set(readdirSync(broken).map((name) => name.replace(/^.*(tmp|old|gone|lock)/, '$1')));
  for (const rest of ['tmp', 'old', 'gone', 'lock']) assert.ok(!kinds.has(rest), rest);
});
