import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isRunning, thisProcess } from '../../src/system/processes.ts';

test('this process counts as running, one with the same id and another start time does not', () => {
  const me = thisProcess();
  assert.equal(isRunning(me), true);
  if (me.started !== undefined) assert.equal(isRunning({ ...me, started: `${me.started}0` }), false);
});

test('an ended process does not count as running before its parent has collected it', {
  skip: process.platform === 'linux' ? false : 'needs /proc',
}, async () => {
  // The sleep in the shell's place looks after no child.
  const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60']);
  try {
    const [text] = await once(parent.stdout, 'data');
    const child = { id: Number(text), host: hostname() };
    while (isRunning(child)) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.doesNotThrow(() => process.kill(child.id, 0));
  } finally {
    parent.kill();
  }
});
