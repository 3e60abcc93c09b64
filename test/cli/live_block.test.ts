import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, mock, test } from 'node:test';
import type { WriteStream } from 'node:tty';
import { liveBlock } from '../../src/cli/live_block.ts';

/** A terminal that keeps what is written, and a clock that stands still until it is moved on. */
function fakes() {
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { now: 1000 };
  mock.method(performance, 'now', () => clock.now);
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), {
    columns: 80,
    rows: 24,
    write: (text: string) => written.push(text),
  });
  return {
    written,
    stream: stream as unknown as WriteStream,
    wait(milliseconds: number) {
      clock.now += milliseconds;
      mock.timers.tick(milliseconds);
    },
  };
}

afterEach(() => mock.reset());

test('it is drawn at most ten times per second, and finally in its last state', () => {
  const { written, stream, wait } = fakes();
  const block = liveBlock(stream);
  for (let i = 0; i < 299; i++) {
    block.draw(() => [`frame ${i}`]);
    wait(1);
  }
  assert.equal(written.length, 3);
  wait(100);
  assert.equal(written.length, 4);
  assert.match(written.at(-1) ?? '', /frame 298/);
  wait(1000);
  assert.equal(written.length, 4);
  block.stop();
});

test('printed lines stay above, a new size redraws, and the end clears and shows the cursor once', () => {
  const { written, stream, wait } = fakes();
  const listeners = process.listenerCount('exit');
  const block = liveBlock(stream);
  block.draw(() => ['live']);
  block.print('stays');
  assert.equal(written.at(-1), '\r\x1b[Jstays\n');
  wait(100);
  assert.match(written.at(-1) ?? '', /live/);
  wait(100);
  const before = written.length;
  stream.emit('resize');
  assert.equal(written.length, before + 1);
  block.stop();
  block.stop();
  assert.equal(written.filter((text) => text.endsWith('\x1b[?25h')).length, 1);
  stream.emit('resize');
  wait(1000);
  assert.equal(written.length, before + 2);
  assert.equal(process.listenerCount('exit'), listeners);
});
