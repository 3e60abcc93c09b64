import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isRunning, thisProcess } from '../../src/system/processes.ts';

test('this process runs, and none that was started at another time with its number', () => {
  const me = thisProcess();
  assert.equal(isRunning(me), true);
  if (me.started !== undefined) assert.equal(isRunning({ ...me, started: `${me.started}0` }), false);
});

test('a process that has ended does not run, though its parent has not looked', {
  skip: process.platform === 'linux' ? false : 'only Linux tells',
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
