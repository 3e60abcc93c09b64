import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockRun } from '../../src/checkpoints/index.ts';
import { UserError } from '../../src/errors.ts';
import { isRunning, thisProcess } from '../../src/system/processes.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

function writeLock(run: string, owner: Record<string, unknown>): string {
  mkdirSync(join(run, 'training.lock'), { recursive: true });
  const file = join(run, 'training.lock', 'owner.json');
  const rest = { token: '00000000-0000-4000-8000-000000000000', since: '2026-01-01T00:00:00.000Z' };
  writeFileSync(file, JSON.stringify({ ...rest, process: owner }));
  return file;
}

test('a run has one owner at a time, and can be released', async () => {
  const run = join(temporaryFolder(), 'run-001');
  const unlock = await lockRun(run);
  await assertRefused(
    lockRun(run),
    /run-001 is in use by process \d+ since .*; wait for it, stop it, or name another/,
  );
  assert.deepEqual(readdirSync(run), ['training.lock']);
  await unlock();
  assert.ok(!existsSync(run)); // it was empty
  await (await lockRun(run))();
});

test('of many at once exactly one gets the lock, also when it has to be taken over', async () => {
  const run = join(temporaryFolder(), 'run-001');
  for (let round = 0; round < 60; round++) {
    if (round % 2 === 0) writeLock(run, { ...thisProcess(), id: endedProcess() });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockRun(run)));
    const got = results.filter((result) => result.status === 'fulfilled');
    assert.equal(got.length, 1, `round ${round}`);
    for (const result of results)
      if (result.status === 'rejected') assert.match(String(result.reason), /is in use by process/);
    await got[0]?.value();
    assert.ok(!existsSync(run) || readdirSync(run).length === 0);
  }
});

const ended = spawnSync(process.execPath, ['--version']).pid;
const endedProcess = () => ended;

const dead: [what: string, owner: () => Record<string, unknown>][] = [
  ['has ended', () => ({ ...thisProcess(), id: endedProcess() })],
  ['had the number of this one', () => ({ ...thisProcess(), started: 'before' })],
  ['had the number of another one', () => ({ ...thisProcess(), id: process.ppid, started: 'before' })],
];
for (const [what, owner] of dead) {
  test(`the lock of a process that ${what} is taken over`, async () => {
    const run = temporaryFolder();
    const file = writeLock(run, owner());
    const unlock = await lockRun(run);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).process.id, process.pid);
    await unlock();
    assert.ok(!existsSync(join(run, 'training.lock')));
  });
}

test('a lock without an owner, or with half a record of one, is taken over', async () => {
  const run = temporaryFolder();
  mkdirSync(join(run, 'training.lock'));
  await (await lockRun(run))();
  writeFileSync(writeLock(run, {}), '{"token"');
  mkdirSync(join(run, 'training.lock.takeover'));
  const before = new Date(Date.now() - 10_000);
  for (const name of readdirSync(run)) utimesSync(join(run, name), before, before);
  await (await lockRun(run))();
  assert.deepEqual(readdirSync(run), []);
});

test('an owner on another host keeps the lock for five minutes after its last sign of life', async () => {
  const run = temporaryFolder();
  const file = writeLock(run, { id: 1, host: 'another' });
  await assert.rejects(
    lockRun(run),
    /in use by process 1 on another since .* in 5 minutes or delete .*training\.lock/,
  );
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const sign = join(file, '..', 'alive');
  writeFileSync(sign, '');
  utimesSync(sign, minutesAgo(4), minutesAgo(4));
  await assert.rejects(lockRun(run), UserError);
  utimesSync(sign, minutesAgo(6), minutesAgo(6));
  await (await lockRun(run))();
});

test('a process is distinguished from a later one with the same id', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  const id = child.pid as number;
  assert.ok(isRunning({ ...thisProcess(), id, started: undefined as never }));
  assert.ok(!isRunning({ ...thisProcess(), id })); // not started when this one was
  child.kill();
  await new Promise((resolve) => child.on('exit', resolve));
  assert.ok(!isRunning({ id, host: thisProcess().host }));
  assert.ok(isRunning({ id, host: 'another' }));
});

test('an error about a folder that cannot be made names it', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await assertRefused(lockRun(join(file, 'run-001')), /file.run-001 cannot be written/);
});
