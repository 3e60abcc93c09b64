import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { verifyCheckpoint } from '../../src/checkpoints/index.ts';
import { cli, finish, startCli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** More than the test needs: BATSUP_TEST_KILLS=100. */
const kills = Number(process.env.BATSUP_TEST_KILLS ?? 10);
const random = seedrandom(process.env.BATSUP_TEST_SEED ?? 'kills');

const folder = temporaryFolder();
const settings = ['--width', '16', '--height', '16', '--batch-size', '4', '--epochs', '12', '--seed', '3'];
const train = ['train', '--save-every-steps', '2', '--augment', 'online', ...settings];

before(async () => {
  await writeRawData(folder);
  const { code, stderr } = await cli(folder, ...train, '--run', 'unbroken');
  assert.equal(code, 0, stderr);
});

const runFolder = (run: string) => join(folder, 'checkpoints', run);

function checkpointsOf(run: string): string[] {
  try {
    return readdirSync(runFolder(run)).filter((name) => /^checkpoint-\d+$/.test(name));
  } catch {
    return [];
  }
}

/** All that a training came to; what depends on the clock is left out. */
function outcome(run: string) {
  const last = join(runFolder(run), checkpointsOf(run).at(-1) as string);
  const { saved, checksum, ...manifest } = JSON.parse(readFileSync(join(last, 'manifest.json'), 'utf8'));
  const lines = readFileSync(join(runFolder(run), 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const history = lines.map((line) => {
    const { time, seconds, rate, ...epoch } = JSON.parse(line);
    return epoch;
  });
  const [weights, optimizer] = ['weights.bin', 'optimizer.bin'].map((name) => readFileSync(join(last, name)));
  return { manifest, history, weights, optimizer };
}

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
async function trainAndStop(run: string): Promise<{ way: string; stopped: boolean; stderr: string }> {
  const resume = checkpointsOf(run).length > 0 ? ['--resume'] : [];
  const way = Object.keys(ways)[Math.floor(random() * 4)] as string;
  const isLearning = random() < 0.75;
  const wait = random() * 600;
  const child = startCli(folder, [...train, '--run', run, ...resume]);
  let waiting = false;
  const stopLater = () => {
    waiting = true;
    setTimeout(() => ways[way]?.(child), wait);
  };
  if (!isLearning) stopLater();
  const { code, stdout, stderr } = await finish(child, (soFar) => {
    if (!waiting && soFar.includes('to validate')) stopLater();
  });
  // A signal that comes before it is listened for ends the process as it would any other.
  assert.ok(code === 0 || code === 130 || code === null, `${way}: exit code ${code}\n${stderr}`);
  return { way, stopped: !stdout.includes('Trained 12 of 12'), stderr };
}

test(`a training stopped ${kills} times at random moments ends as one that never was`, async () => {
  const unbroken = outcome('unbroken');
  const counts: Record<string, number> = {};
  let [stops, finished] = [0, 0];
  while (stops < kills || finished === 0) {
    const { way, stopped, stderr } = await trainAndStop('broken');
    for (const name of checkpointsOf('broken'))
      assert.deepEqual(await verifyCheckpoint(join(runFolder('broken'), name)), [], `after ${way}`);
    assert.doesNotMatch(stderr, /damaged|begins anew|other settings/);
    if (stopped) {
      stops++;
      counts[way] = (counts[way] ?? 0) + 1;
      continue;
    }
    assert.deepEqual(outcome('broken'), unbroken);
    finished++;
    rmSync(runFolder('broken'), { recursive: true });
  }
  console.log(`stopped ${stops} times (${JSON.stringify(counts)}), finished ${finished} times`);
});
