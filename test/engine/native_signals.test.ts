/**
 * A handler that runs while oneDNN multiplies writes over the heap; whether that ends the process depends on what lies
 * there. So this looks at what threads let in; see src/engine/native/signals.h.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engine/index.ts';
import { withoutNative } from '../helpers/native.ts';

const { SIGINT, SIGPROF, SIGSEGV, SIGTERM, SIGWINCH } = constants.signals;

/** The status of a thread, as proc(5) describes it. */
function statusOf(thread: string | number): string {
  return readFileSync(`/proc/self/task/${thread}/status`, 'utf8');
}

/** Other threads, such as the watcher's, may end meanwhile. */
function statusIfThere(thread: string): string {
  try {
    return statusOf(thread);
  } catch {
    return '';
  }
}

function blocks(status: string, signal: number): boolean {
  const mask = BigInt(`0x${/^SigBlk:\s*(\w+)$/m.exec(status)?.[1]}`);
  return ((mask >> BigInt(signal - 1)) & 1n) === 1n;
}

/** Whether signals wait, except those that report the thread's own faults. */
function isUndisturbed(status: string): boolean {
  return (
    [SIGINT, SIGPROF, SIGTERM, SIGWINCH].every((signal) => blocks(status, signal)) && !blocks(status, SIGSEGV)
  );
}

/** Looks at the main thread until `state` is 2; answers with what it saw while that was 1, and counts where signals wait. */
const watcher = `
const { readFileSync } = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const state = new Int32Array(workerData);
const seen = [];
parentPort.postMessage('ready');
while (Atomics.load(state, 0) < 2) {
  const status = readFileSync('/proc/self/task/' + process.pid + '/status', 'utf8');
  if (Atomics.load(state, 0) !== 1) continue;
  seen.push(status);
  if (!/^SigBlk:\\s*0+$/m.test(status)) Atomics.add(state, 1, 1);
}
parentPort.postMessage(seen);
`;

test('signals are handled after TensorFlow’s computation', {
  skip: process.platform === 'linux' ? withoutNative() : 'only Linux tells',
}, async () => {
  await startEngine('native', { threads: 0 });
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  const worker = new Worker(watcher, { eval: true, workerData: shared });
  await once(worker, 'message');
  const a = tf.ones([2048, 2048]);
  Atomics.store(state, 0, 1);
  // On a busy machine the watcher may not run during the first.
  for (let i = 0; i < 50 && Atomics.load(state, 1) < 3; i++) tf.matMul(a, a).dispose();
  Atomics.store(state, 0, 2);
  const [seen] = (await once(worker, 'message')) as [string[]];
  assert.ok(seen.some(isUndisturbed), seen.at(-1));
  assert.ok(!blocks(statusOf(process.pid), SIGINT));
  const computing = readdirSync('/proc/self/task')
    .map(statusIfThere)
    .filter((status) => /^Name:\s*tf_/m.test(status));
  assert.ok(computing.length > 0);
  for (const status of computing) assert.ok(isUndisturbed(status), status);
});
