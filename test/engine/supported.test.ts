import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoTensorFlow } from '../../src/engine/native/supported.ts';

test('TensorFlow can be set up where its packages run', () => {
  for (const arch of ['x64', 'arm64'])
    assert.equal(whyNoTensorFlow({ platform: 'linux', arch, glibc: true }), undefined);
});

test('elsewhere the reason is given, and what runs there', () => {
  const cases = [
    [{ platform: 'darwin', arch: 'arm64', glibc: false }, 'macOS (arm64)'],
    [{ platform: 'win32', arch: 'x64', glibc: false }, 'Windows (x64)'],
    [{ platform: 'freebsd', arch: 'x64', glibc: false }, 'freebsd (x64)'],
    [{ platform: 'linux', arch: 'x64', glibc: false }, 'Linux with musl (x64)'],
    [{ platform: 'linux', arch: 'riscv64', glibc: true }, 'Linux (riscv64)'],
  ] as const;
  for (const [machine, name] of cases)
    assert.equal(
      whyNoTensorFlow(machine),
      `TensorFlow can be set up on Linux with glibc (x64, arm64) only, not on ${name}; ` +
        'the engines wasm and cpu run here, and need no setup.',
    );
});
