/** Work that ranks or shards do together has the same result as that of one process. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { bin } from '../helpers/bin.ts';
import { cli, finish, type Run } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { startCliOn, startRanks, withoutMpirun } from '../helpers/mpirun.ts';

const target = ['--target', '40'];
const small = ['--width', '16', '--height', '16'];
/** Mixed pictures depend on all sources. */
const mixing = ['--augment-operations', 'rotate,mixup'];

const copies = temporaryFolder();
/** The folder in which one process did everything. */
const alone = temporaryFolder();
/** The original rawdata, with a file that is not a picture, and one that only has the header of one. */
const start = temporaryFolder();

before(async () => {
  await writeRawData(start);
  writeFileSync(join(start, 'rawdata', 'animal', 'notes.png'), 'no picture');
  const bat = readFileSync(join(start, 'rawdata', 'animal', 'bat.png'));
  writeFileSync(join(start, 'rawdata', 'food', 'half.png'), bat.subarray(0, bat.length / 2));
  cpSync(start, alone, { recursive: true, preserveTimestamps: true });
  ran(await cli(alone, 'augment', ...target));
  ran(await cli(alone, 'resize', ...small));
  ran(await cli(alone, 'train', ...small, '--epochs', '2', '--seed', '3'));
});

function ran(run: Run): Run {
  assert.equal(run.code, 0, run.stderr);
  return run;
}

/** A copy of the folder `from`, with its times. */
function copyOf(from: string): string {
  const folder = mkdtempSync(join(copies, 'copy-'));
  cpSync(from, folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

const onRanks = (ranks: number, folder: string, ...args: string[]) =>
  finish(startCliOn(Array(ranks).fill(folder), ...args));

async function onShards(shards: number, folder: string, ...args: string[]): Promise<Run[]> {
  const all = Array.from({ length: shards }, (_, shard) =>
    cli(folder, ...args, '--shard', `${shard + 1}/${shards}`),
  );
  return (await Promise.all(all)).map(ran);
}

/** Every file below a folder, except those whose lines depend on the order of the work. */
function contents(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  const files = names.filter((name) => !name.endsWith('.jsonl') && statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

const messages = ({ stderr }: Run) => stderr.match(/^(bat-sup: |skipped ).*$/gm) ?? [];

/** Expects the same stdout, messages and exit code. */
function assertSame(run: Run, as: Run): void {
  assert.equal(run.stdout, as.stdout, run.stderr);
  assert.deepEqual(messages(run), messages(as));
  assert.equal(run.code, as.code);
}

for (const ranks of [2, 3]) {
  describe(`${ranks} ranks`, { skip: withoutMpirun() }, () => {
    test('augment to the same pictures, also mixed ones, and continue from existing ones', async () => {
      for (const operations of [[], mixing]) {
        const [one, several] = [copyOf(start), copyOf(start)];
        const run = await cli(one, 'augment', ...target, ...operations);
        assertSame(await onRanks(ranks, several, 'augment', ...target, ...operations), ran(run));
        assert.deepEqual(contents(several), contents(one));
        const more = ['augment', '--target', '50', '--json', ...operations];
        assertSame(await onRanks(ranks, several, ...more), await cli(one, ...more));
        assert.deepEqual(contents(several), contents(one));
      }
    });

    test('resize to the same pictures, and leave nothing to do', async () => {
      const [one, several] = [copyOf(start), copyOf(start)];
      const run = await cli(one, 'resize', ...small);
      assertSame(await onRanks(ranks, several, 'resize', ...small), ran(run));
      assert.deepEqual(contents(join(several, 'data')), contents(join(one, 'data')));
      const again = ran(await cli(several, 'resize', ...small, '--json'));
      assert.equal(JSON.parse(again.stdout).made, 0);
    });

    test('check to the same report, and keep the results', async () => {
      const [one, several] = [copyOf(alone), copyOf(alone)];
      const run = await cli(one, 'check', '--json');
      assertSame(await onRanks(ranks, several, 'check', '--json'), ran(run));
      // Without the time of change, at index 2, which each copy of the folder has of its own.
      const results = (folder: string) =>
        readFileSync(join(folder, 'rawdata', '.checked.jsonl'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => Object.values(JSON.parse(line)).toSpliced(2, 1))
          .sort();
      assert.deepEqual(results(several), results(one));
      const strict = await onRanks(ranks, several, 'check', '--strict');
      assertSame(strict, await cli(one, 'check', '--strict'));
      assert.equal(strict.code, 1);
    });

    test('predict the same, with errors for the same pictures', async () => {
      for (const options of [[], ['--json', '--top-k', '2'], ['--csv', '--activation', 'none']]) {
        const args = ['predict', 'rawdata', 'data/food/*.jpg', 'nowhere.png', ...options];
        const run = await cli(alone, ...args);
        assert.equal(run.code, 1);
        assertSame(await onRanks(ranks, alone, ...args), run);
      }
    });

    test('evaluate the same, and store the same temperature', async () => {
      const [one, several] = [copyOf(alone), copyOf(alone)];
      for (const options of [['--json'], ['--csv'], ['data', '--json']])
        assertSame(
          await onRanks(ranks, several, 'evaluate', ...options),
          ran(await cli(one, 'evaluate', ...options)),
        );
      assert.deepEqual(contents(join(several, 'checkpoints')), contents(join(one, 'checkpoints')));
    });
  });
}

describe('ranks', { skip: withoutMpirun() }, () => {
  test('get the list from stdin', async () => {
    const list = 'data/food/taco.png.jpg\nnowhere.png\n';
    const child = startRanks([alone, alone], [bin, 'predict', '-', '--json'], { stdin: 'pipe' });
    child.stdin?.end(list);
    const { stdout, stderr } = await finish(child);
    const [taco, nowhere] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(taco.file, 'data/food/taco.png.jpg');
    assert.ok(taco.class);
    assert.deepEqual(nowhere, { file: 'nowhere.png', error: 'there is no such file' });
    assert.match(stderr, /^bat-sup: nowhere\.png: /m);
  });

  for (const [command, folder] of [
    ['augment', 'rawdata'],
    ['resize', 'data'],
  ]) {
    test(`${command} refuses a ${folder} that differs between hosts, and does nothing`, async () => {
      const [own, other] = [copyOf(start), copyOf(start)];
      const { code, stdout, stderr } = await finish(startCliOn([own, other], command as string));
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(
        stderr,
        new RegExp(`^bat-sup: Rank 1 on \\S+: ${folder} is not the same folder as on rank 0; put it on`, 'm'),
      );
      assert.deepEqual(contents(join(own, 'rawdata')), contents(join(start, 'rawdata')));
    });
  }

  test('predict refuses pictures that differ from rank 0’s', async () => {
    const other = copyOf(alone);
    rmSync(join(other, 'data', 'food', 'taco.png.jpg'));
    const { code, stdout, stderr } = await finish(startCliOn([alone, other], 'predict', 'data'));
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^bat-sup: Rank 1 on \S+: it finds other pictures than rank 0; put/m);
  });
});

for (const shards of [2, 3]) {
  describe(`${shards} shards at once`, () => {
    test('augment to the same pictures', async () => {
      for (const operations of [[], mixing]) {
        const [one, several] = [copyOf(start), copyOf(start)];
        const whole = ran(await cli(one, 'augment', ...target, ...operations, '--json'));
        const runs = await onShards(shards, several, 'augment', ...target, ...operations, '--json');
        assert.deepEqual(contents(several), contents(one));
        const made = runs.map(({ stdout }) => JSON.parse(stdout).made);
        assert.ok(made.every((count) => count > 0));
        assert.equal(
          made.reduce((sum, count) => sum + count, 0),
          JSON.parse(whole.stdout).made,
        );
      }
    });

    test('resize to the same pictures, with which the next run is done', async () => {
      const [one, several] = [copyOf(start), copyOf(start)];
      ran(await cli(one, 'resize', ...small));
      await onShards(shards, several, 'resize', ...small);
      assert.deepEqual(contents(join(several, 'data')), contents(join(one, 'data')));
      const { made, unreadable } = JSON.parse(ran(await cli(several, 'resize', ...small, '--json')).stdout);
      assert.deepEqual([made, unreadable.length], [0, 2]);
      const ledgers = readdirSync(join(several, 'data')).filter((name) => name.endsWith('.jsonl'));
      assert.deepEqual(ledgers, ['.resized.jsonl']);
    });

    test('predict each picture once', async () => {
      const args = ['predict', 'data', '--json'];
      const lines = ({ stdout }: Run) => stdout.split('\n').filter(Boolean);
      const runs = await onShards(shards, alone, ...args);
      assert.deepEqual(runs.flatMap(lines).sort(), lines(ran(await cli(alone, ...args))).sort());
    });
  });
}

describe('shards', () => {
  test('of another size or number redo stale pictures and remove those whose sources are gone', async () => {
    const folder = copyOf(start);
    await onShards(2, folder, 'resize', ...small);
    await onShards(3, folder, 'resize', '--width', '24', '--height', '16');
    rmSync(join(folder, 'rawdata', 'food', 'taco.png'));
    await onShards(2, folder, 'resize', ...small);
    const one = copyOf(start);
    rmSync(join(one, 'rawdata', 'food', 'taco.png'));
    ran(await cli(one, 'resize', ...small));
    assert.deepEqual(contents(join(folder, 'data')), contents(join(one, 'data')));
  });

  test('that never run leave their part to the next run', async () => {
    const folder = copyOf(start);
    ran(await cli(folder, 'resize', ...small, '--shard', '1/2'));
    ran(await cli(folder, 'resize', ...small, '--shard', '1/2'));
    const done = ran(await cli(folder, 'resize', ...small, '--json', '--shard', '1/2'));
    assert.deepEqual(JSON.parse(done.stdout).made, 0);
    const rest = JSON.parse(ran(await cli(folder, 'resize', ...small, '--json')).stdout);
    assert.ok(rest.made > 0 && rest.unchanged > 0, JSON.stringify(rest));
  });

  test('augment refuses pictures made with other settings', async () => {
    const { code, stderr } = await cli(copyOf(alone), 'augment', '--seed', '9', '--shard', '2/2');
    assert.equal(code, 1);
    assert.match(stderr, /^bat-sup: rawdata has pictures that augment made with other settings.*--clean/);
  });

  for (const [args, says] of [
    [
      ['predict', 'data', '--shard', '3/2'],
      /--shard must be i\/n with i from 1 to n, such as 2\/8; received "3\/2"/,
    ],
    [['resize', '--shard', '0/2'], /--shard must be i\/n.*received "0\/2"/],
    [['augment', '--shard', 'half'], /--shard must be i\/n.*received "half"/],
    [['check', '--shard', '1/2'], /check has no --shard: duplicates may be in different parts/],
    [['evaluate', '--shard', '1/2'], /evaluate has no --shard: its metrics need all pictures/],
  ] as const) {
    test(`${args.join(' ')} is refused`, async () => {
      const { code, stderr, stdout } = await cli(alone, ...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }
});
