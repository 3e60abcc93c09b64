/** A training that is stopped while it fits what is unknown, after its last epoch. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findCheckpoint, readUnknown } from '../../src/checkpoints/index.ts';
import { type Settings, settingNames, settingsInForce } from '../../src/config/index.ts';
import { startEngine } from '../../src/engine/index.ts';
import { train } from '../../src/training/train.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

test('it says so, and a resumed training fits it', async () => {
  const folder = temporaryFolder();
  const engine = await startEngine('wasm', { threads: 1 });
  try {
    await writeRawData(folder);
    const given = {
      data: join(folder, 'rawdata'),
      width: 8,
      height: 8,
      batchSize: 4,
      epochs: 1,
      unknown: 0.05,
    };
    const inForce = await settingsInForce(given, { folder, environment: {} });
    const settings = Object.fromEntries(
      settingNames.map((name) => [name, inForce[name].value]),
    ) as unknown as Settings;
    const run = join(folder, 'run-001');
    const stop = new AbortController();
    const notices: string[] = [];
    const events = { features: () => stop.abort(), notice: (text: string) => void notices.push(text) };
    const stopped = await train({ settings, run, signal: stop.signal, events });
    assert.deepEqual([stopped.finished, stopped.unknown], [true, undefined]);
    assert.match(
      notices.join('\n'),
      /Stopped before what is unknown was fitted; ".*train --resume --run run-001"/,
    );
    assert.equal(await readUnknown(await findCheckpoint(run, 'best')), undefined);

    const { unknown } = await train({ settings, run, resume: await findCheckpoint(run, 'newest') });
    assert.ok(unknown && unknown.pictures > 0);
    assert.equal((await readUnknown(await findCheckpoint(run, 'best')))?.share, 0.05);
  } finally {
    await engine.dispose();
  }
});
