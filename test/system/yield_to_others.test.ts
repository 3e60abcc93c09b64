import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { test } from 'node:test';
import { yieldToOthers } from '../../src/system/yield_to_others.ts';

const idlePolicy = 5;

/** Fields of /proc/<pid>/stat, from the third on: the second, the program's name, may hold spaces. */
function statOfThread(): string[] {
  return readFileSync('/proc/thread-self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
}

function hasChrt(): boolean {
  try {
    execFileSync('chrt', ['-m']);
    return true;
  } catch {
    return false;
  }
}

test('a thread computes only while a core is free, and a lower priority stays', {
  skip: (process.platform !== 'linux' || !hasChrt()) && 'needs Linux and chrt',
}, async () => {
  const lower = Math.max(15, getPriority());
  setPriority(lower);
  yieldToOthers();
  while (Number(statOfThread()[38]) !== idlePolicy) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(getPriority(), lower);
});
