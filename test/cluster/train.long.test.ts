/** The real command on several ranks, by an mpirun. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import seedrandom from 'seedrandom';
import { listCheckpoints, loadTensors, verifyCheckpoint } from '../../src/checkpoints/index.ts';
import { readHistory } from '../../src/runs/history.ts';
import { readRecord } from '../../src/runs/record.ts';
import { bin } from '../helpers/bin.ts';
import { cliWith, finish, finishAfter, type Run } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import {
  assertTwoRanks,
  type Mpi,
  others,
  processesOf,
  startCliOn,
  startRanks,
  system,
  withoutMpirun,
} from '../helpers/mpirun.ts';
import { withoutNative } from '../helpers/native.ts';
import { checkpointsOf } from '../helpers/runs.ts';

/** More than the test needs: BATSUP_TEST_KILLS=50. */
const losses = Number(process.env.BATSUP_TEST_KILLS ?? 3);
const random = seedrandom(process.env.BATSUP_TEST_SEED ?? 'losses');

const folder = temporaryFolder();
const runOf = (name: string) => join(folder, 'checkpoints', name);

/** Of 24 pictures 20 are trained on: one batch of 12 an epoch, and eight pictures wait for the next shuffle. */
const globalBatch = 12;
const small = ['train', '--width', '16', '--height', '16', '--seed', '3', '--learning-rate', '0.0003'];
/** What differs between ranks where it is not by the picture: it must not. */
const everything = [
  ...['--augment', 'online', '--dropout', '0.3', '--class-weights', 'balanced', '--label-smoothing', '0.1'],
  ...['--ema', '0.9', '--clip-norm', '1', '--weight-decay', '0.01', '--learning-rate-schedule', 'cosine'],
];

function trainOn(ranks: number, run: string, ...args: string[]): Promise<Run> {
  return trainWith(system, ranks, run, ...args);
}

function trainWith(mpi: Mpi, ranks: number, run: string, ...args: string[]): Promise<Run> {
  const batch = args.includes('--batch-size') ? [] : ['--batch-size', String(globalBatch / ranks)];
  const all = [...small, '--run', run, ...batch, ...args];
  if (ranks === 1) return cliWith({}, folder, ...all);
  return finish(startRanks(Array(ranks).fill(folder), [bin, ...all], { mpi }));
}

async function learnt(run: string): Promise<Map<string, Float32Array>> {
  const last = (await listCheckpoints(runOf(run))).at(-1);
  assert.ok(last, run);
  const files = [await loadTensors(last, 'weights.bin'), await loadTensors(last, 'optimizer.bin')];
  return new Map(files.flatMap((tensors) => [...tensors]));
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** The runs came to the same, but for the order of sums. */
async function assertSame(run: string, other: string, tolerance = 1e-3): Promise<void> {
  const [a, b] = [await learnt(run), await learnt(other)];
  assert.deepEqual([...a.keys()], [...b.keys()]);
  for (const [name, values] of a) {
    const difference = norm(values.map((value, index) => value - (b.get(name)?.[index] as number)));
    // Adam's moments are sums of gradients that nearly cancel out.
    const allowed = /\/[mv]$/.test(name) ? 20 * tolerance : tolerance;
    assert.ok(difference <= allowed * norm(values) + 1e-7, `${name}: ${difference} of ${norm(values)}`);
  }
  const [first, second] = [await readHistory(runOf(run)), await readHistory(runOf(other))];
  assert.deepEqual(
    second.map(({ epoch, step }) => [epoch, step]),
    first.map(({ epoch, step }) => [epoch, step]),
  );
  for (const [index, { loss, validationLoss }] of first.entries()) {
    for (const [one, two] of [
      [loss, second[index]?.loss],
      [validationLoss, second[index]?.validationLoss],
    ])
      assert.ok(Math.abs((one as number) - (two as number)) < 5e-3, `epoch ${index + 1}: ${one}, ${two}`);
  }
}

function assertTrained({ code, stderr, stdout }: Run): void {
  assert.equal(code, 0, stderr);
  // Rank 0 alone speaks.
  assert.equal(stdout.match(/^Trained /gm)?.length, 1, stdout);
}

/** The folder of rank 0, and one for rank 1 with the same pictures. */
function foldersOfTwo(): [string, string] {
  const other = temporaryFolder();
  cpSync(join(folder, 'rawdata'), join(other, 'rawdata'), { recursive: true, preserveTimestamps: true });
  return [folder, other];
}

function newestOf(run: string): string {
  return checkpointsOf(runOf(run)).at(-1) as string;
}

/** Rank 1's pictures are lost in the third epoch. */
async function assertErrorEndsAll(mpi: Mpi, run: string): Promise<void> {
  const [own, other] = foldersOfTwo();
  const args = [bin, ...small, '--run', run, '--batch-size', '4', '--epochs', '9999'];
  const child = startRanks([own, other], args, { mpi });
  const { code, stdout, stderr } = await finishAfter(child, 'epoch 3/', () =>
    truncateSync(join(other, 'data', '.cache', 'pictures.u8'), 0),
  );
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  // Open MPI's own message may end with a NUL, right before ours.
  const lines = stderr.replaceAll('\0', '').match(/^bat-sup: .*$/gm);
  assert.equal(lines?.length, 1, stderr);
  assert.match(lines?.[0] ?? '', /^bat-sup: Rank 1 on \S+: .*pictures\.u8 is shorter than its pictures/);
  assert.deepEqual(await verifyCheckpoint(join(runOf(run), newestOf(run))), []);
  const record = await readRecord(runOf(run));
  assert.equal(record?.sessions[0]?.state, 'failed');
  assert.equal(record?.sessions[0]?.to?.step, Number(newestOf(run).slice('checkpoint-'.length)));
}

before(() => writeRawData(folder));

describe('training on several ranks', { skip: withoutMpirun() }, () => {
  test('gives the result of one process with their combined batches, with every option', async () => {
    const settings = [...everything, '--epochs', '40'];
    assertTrained(await trainOn(1, 'alone', ...settings));
    for (const ranks of [2, 3, 4]) {
      const trained = await trainOn(ranks, `of-${ranks}`, ...settings);
      assertTrained(trained);
      assert.equal(trained.stderr.match(/^epoch 40\/40 /gm)?.length, 1, trained.stderr);
      assert.match(trained.stderr, new RegExp(`^${ranks} ranks of Open MPI`, 'm'));
      await assertSame('alone', `of-${ranks}`);
      assert.equal((await readRecord(runOf(`of-${ranks}`)))?.sessions[0]?.ranks, ranks);
    }
  });

  test('so it does on the native engine', { skip: withoutNative() }, async () => {
    const settings = [...everything, '--epochs', '30', '--engine', 'native'];
    assertTrained(await trainOn(1, 'native-alone', ...settings));
    for (const ranks of [2, 3, 4]) {
      assertTrained(await trainOn(ranks, `native-of-${ranks}`, ...settings));
      await assertSame('native-alone', `native-of-${ranks}`);
    }
  });

  test('batch normalisation uses each rank’s own statistics', async () => {
    const trained = await trainOn(3, 'normalised', '--architecture', 'residual', '--epochs', '3');
    assertTrained(trained);
    const { loss } = (await readHistory(runOf('normalised'))).at(-1) ?? {};
    assert.ok(Number.isFinite(loss), `loss ${loss}`);
  });

  for (const format of ['bfloat16', 'float16']) {
    test(`with gradients in ${format} the result is nearly the same`, async () => {
      assertTrained(await trainOn(1, `plain-${format}`, '--epochs', '10'));
      assertTrained(await trainOn(3, format, '--epochs', '10', '--gradient-compression', format));
      await assertSame(`plain-${format}`, format, 0.1);
    });
  }

  test('the learning rate scales with the ranks if requested', async () => {
    const rate = ['--learning-rate', '0.0006'];
    assertTrained(await trainOn(1, 'rate', '--epochs', '3', ...rate));
    assertTrained(await trainOn(2, 'scaled', '--epochs', '3', '--scale-learning-rate', 'linear'));
    await assertSame('rate', 'scaled');
  });

  test('it continues with another number of ranks, also from within an epoch', async () => {
    const settings = ['--epochs', '6', '--save-every-steps', '1', '--keep-checkpoints', '99'];
    const batch = (ranks: number) => ['--batch-size', String(4 / ranks)];
    assertTrained(await trainOn(1, 'whole', ...settings, ...batch(1)));
    for (const [ranks, epochs] of [
      [4, 2],
      [2, 3],
      [1, 6],
    ] as const) {
      const resume = ranks === 4 ? [] : ['--resume'];
      const trained = await trainOn(
        ranks,
        'fewer',
        ...settings,
        ...batch(ranks),
        ...resume,
        '--epochs',
        `${epochs}`,
      );
      assertTrained(trained);
      assert.doesNotMatch(trained.stderr, /starts again|changed settings: .*batchSize/);
    }
    await assertSame('whole', 'fewer');
  });

  test('another global batch continues at the same point of the epoch, and says so', async () => {
    const settings = ['--epochs', '2', '--save-every-steps', '3', '--keep-checkpoints', '99'];
    assertTrained(await trainOn(1, 'batches', ...settings, '--batch-size', '2'));
    const [first] = await listCheckpoints(runOf('batches'));
    assert.deepEqual([first?.manifest.position.epoch, first?.manifest.position.batch], [0, 3]);
    const from = runOf('batches-of-2');
    cpSync(first?.folder as string, join(from, 'checkpoint-00000003'), { recursive: true });
    const resumed = await trainOn(2, 'batches-of-2', ...settings, '--batch-size', '1', '--resume');
    assertTrained(resumed);
    assert.doesNotMatch(resumed.stderr, /starts again|changed settings: .*batchSize/);
    const larger = runOf('batches-of-3');
    cpSync(first?.folder as string, join(larger, 'checkpoint-00000003'), { recursive: true });
    const changed = await trainOn(3, 'batches-of-3', ...settings, '--batch-size', '1', '--resume');
    assertTrained(changed);
    assert.match(changed.stderr, /batchSize 2 -> 3/);
    // Six of the epoch's twenty pictures were seen: four whole batches of three are left, and six of the next epoch.
    const { step } = (await readHistory(larger)).at(-1) ?? {};
    assert.equal(step, 3 + 4 + 6);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} to one rank stops all after the same step, saved, with one message`, async () => {
      const run = `stopped-by-${signal}`;
      const child = startCliOn(
        [folder, folder, folder],
        ...small,
        '--run',
        run,
        '--batch-size',
        '4',
        '--epochs',
        '9999',
      );
      const { code, stdout, stderr } = await finishAfter(child, 'epoch 3/', () =>
        process.kill(processesOf(child.pid as number).get(2) as number, signal),
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^Stopped after \d+ of 9999 epochs/);
      const newest = checkpointsOf(runOf(run)).at(-1) as string;
      assert.deepEqual(await verifyCheckpoint(join(runOf(run), newest)), []);
      assert.match(stdout, new RegExp(`, ${Number(newest.slice('checkpoint-'.length))} steps`));
    });
  }

  test('SIGUSR2 to mpirun stops all in the same way', async () => {
    const args = ['--run', 'stopped-by-mpirun', '--batch-size', '4', '--epochs', '9999'];
    const child = startCliOn([folder, folder], ...small, ...args);
    const { code, stdout, stderr } = await finishAfter(child, 'epoch 3/', () => child.kill('SIGUSR2'));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Stopped after \d+ of 9999 epochs/);
    assert.equal(stderr.match(/Stopping after this step/g)?.length, 1, stderr);
  });

  describe('if each rank has its own disk', () => {
    test('pictures that differ from rank 0’s are refused in one line', async () => {
      const [own, other] = foldersOfTwo();
      rmSync(join(other, 'rawdata', 'food', 'taco.png'));
      const { code, stdout, stderr } = await finish(
        startCliOn([own, other], ...small, '--run', 'unlike', '--batch-size', '4'),
      );
      assert.equal(code, 1);
      assert.equal(stdout, '');
      const lines = stderr.match(/^bat-sup: .*$/gm);
      assert.equal(lines?.length, 1, stderr);
      assert.match(lines?.[0] ?? '', /^bat-sup: Rank 1 on \S+: data differs from that of rank 0; put it on/);
    });

    test('ranks other than 0 need no raw pictures and no checkpoints: rank 0 splits for all', async () => {
      assertTrained(await trainOn(1, 'one-disk', '--epochs', '1'));
      const other = temporaryFolder();
      cpSync(join(folder, 'data'), join(other, 'data'), { recursive: true, preserveTimestamps: true });
      const digests = join('data', '.cache', 'digests.jsonl');
      rmSync(join(other, digests));
      const args = [...small, '--run', 'one-disk', '--batch-size', '6', '--epochs', '2'];
      // By another seed, a rank that does not know what was held back would draw other pictures.
      const resumed = await finish(startCliOn([folder, other], ...args, '--resume', '--seed', '8'));
      assertTrained(resumed);
      const fresh = await finish(startCliOn([folder, other], ...args, '--run', 'two-disks'));
      assertTrained(fresh);
      assert.equal(existsSync(join(other, digests)), false);
    });

    test('an error in another rank ends all, with a checkpoint, one message and exit code 1', () =>
      assertErrorEndsAll(system, 'broken'));
  });

  test('wrong usage is reported once', async () => {
    const { code, stderr } = await finish(startCliOn([folder, folder], 'train', '--epochs', 'many'));
    assert.equal(code, 2);
    assert.equal(stderr.match(/bat-sup: /g)?.length, 1, stderr);
  });

  test(`a run that loses a rank ${losses} times, with fewer ranks each time, ends like an uninterrupted one`, async (context) => {
    const settings = ['--epochs', '12', '--save-every-steps', '1', '--keep-checkpoints', '2'];
    assertTrained(await trainOn(1, 'never-lost', ...settings));
    let [lost, finished] = [0, 0];
    while (lost < losses || finished === 0) {
      const ranks = [4, 3, 2][lost % 3] as number;
      const resume = checkpointsOf(runOf('lost')).length > 0 ? ['--resume'] : [];
      const batch = ['--batch-size', String(globalBatch / ranks)];
      const child = startCliOn(
        Array(ranks).fill(folder),
        ...small,
        '--run',
        'lost',
        ...settings,
        ...batch,
        ...resume,
      );
      const victim = Math.floor(random() * ranks);
      const isLosing = lost < losses;
      const { code, stdout, stderr } = await finishAfter(child, 'for validation', () => {
        if (!isLosing) return;
        const kill = () => {
          const id = processesOf(child.pid as number).get(victim);
          if (id) process.kill(id, 'SIGKILL');
        };
        setTimeout(kill, random() * 800);
      });
      for (const name of checkpointsOf(runOf('lost')))
        assert.deepEqual(await verifyCheckpoint(join(runOf('lost'), name)), [], name);
      assert.doesNotMatch(stderr, /damaged|starts again|changed settings: .*batchSize/);
      if (code === 0) {
        assertTrained({ code, stdout, stderr });
        await assertSame('never-lost', 'lost');
        finished++;
        if (lost < losses) rmSync(runOf('lost'), { recursive: true });
        continue;
      }
      assert.match(stderr, /process rank \d .*exited on signal 9/);
      lost++;
    }
    context.diagnostic(`lost ${lost} ranks, finished ${finished} times`);
  });
});

for (const mpi of others)
  describe(`training with ${mpi.name}`, { skip: withoutMpirun(mpi) }, () => {
    const named = (run: string) => `${run}-${mpi.name.replaceAll(' ', '-')}`;

    test('two ranks give the result of one with their combined batches', async () => {
      const settings = [...everything, '--epochs', '10'];
      assertTrained(await trainOn(1, named('alone'), ...settings));
      const trained = await trainWith(mpi, 2, named('two'), ...settings);
      assertTrained(trained);
      assertTwoRanks(trained.stderr, mpi);
      await assertSame(named('alone'), named('two'));
    });

    test('an error in another rank ends all, with a checkpoint, one message and exit code 1', () =>
      assertErrorEndsAll(mpi, named('broken')));

    test('if a rank is killed, mpirun ends the other and says so; the last checkpoint is intact', async () => {
      const args = [bin, ...small, '--run', named('lost'), '--batch-size', '6', '--epochs', '9999'];
      const child = startRanks([folder, folder], args, { mpi });
      const { code, stdout, stderr } = await finishAfter(child, 'epoch 3/', () =>
        process.kill(processesOf(child.pid as number).get(1) as number, 'SIGKILL'),
      );
      assert.notEqual(code, 0);
      assert.match(`${stdout}${stderr}`, /signal:? 9/i);
      assert.deepEqual(await verifyCheckpoint(join(runOf(named('lost')), newestOf(named('lost')))), []);
    });
  });
