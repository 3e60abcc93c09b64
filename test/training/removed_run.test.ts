/** A run's folder that is removed, replaced, or a link, while it is trained. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findCheckpoint, newestRun, nextRunName } from '../../src/checkpoints/index.ts';
import { type Settings, settingNames, settingsInForce } from '../../src/config/index.ts';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { UserError } from '../../src/errors.ts';
import { listRuns } from '../../src/runs/list.ts';
import { train } from '../../src/training/train.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
let engine: Engine;
let settings: Settings;
before(async () => {
  engine = await startEngine('wasm', { threads: 1 });
  await writeRawData(folder);
  const small = { data: join(folder, 'rawdata'), width: 8, height: 8, batchSize: 4, epochs: 3 };
  const inForce = await settingsInForce(small, { folder, environment: {} });
  settings = Object.fromEntries(
    settingNames.map((name) => [name, inForce[name].value]),
  ) as unknown as Settings;
});
after(() => engine.dispose());

for (const [what, atStep] of [
  ['in an epoch', 1],
  ['in the last step of an epoch', 'last'],
] as const) {
  test(`a training whose folder is removed ${what} says so, and makes no other`, async () => {
    const run = join(folder, `removed-${atStep}`);
    let last = 0;
    const events = {
      started: ({ stepsPerEpoch }: { stepsPerEpoch: number }) => {
        last = stepsPerEpoch;
      },
      step: ({ step }: { step: number }) => {
        if (step === (atStep === 'last' ? last : atStep)) rmSync(run, { recursive: true });
      },
    };
    await assert.rejects(train({ settings, run, events }), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.equal(
        error.message,
        `${run} was removed during training, so there is nothing to resume; train again.`,
      );
      return true;
    });
    assert.equal(existsSync(run), false);
  });
}

test('a training whose folder another training has replaced leaves the new one alone', async () => {
  const run = join(folder, 'replaced');
  const ownerFile = join(run, 'training.lock', 'owner.json');
  let owner = '';
  const step = ({ step }: { step: number }) => {
    if (step !== 1) return;
    owner = readFileSync(ownerFile, 'utf8').replace(/"token":"[0-9a-f]{8}/, '"token":"00000000');
    renameSync(run, `${run}-before`);
    mkdirSync(join(run, 'training.lock'), { recursive: true });
    writeFileSync(ownerFile, owner);
    writeFileSync(join(run, 'run.json'), '{}');
  };
  await assert.rejects(train({ settings, run, events: { step } }), /was removed during training/);
  assert.equal(readFileSync(ownerFile, 'utf8'), owner);
  assert.deepEqual(readdirSync(run).sort(), ['run.json', 'training.lock']);
  assert.equal(readFileSync(join(run, 'run.json'), 'utf8'), '{}');
});

test('a linked run is found, resumed and listed like any other', async () => {
  const [checkpoints, disk] = ['checkpoints', 'disk'].map((name) => join(folder, name)) as [string, string];
  mkdirSync(checkpoints);
  await train({ settings: { ...settings, epochs: 1 }, run: join(disk, 'moved') });
  symlinkSync('../disk/moved', join(checkpoints, 'run-001'));
  symlinkSync('../nowhere', join(checkpoints, 'run-002'));
  symlinkSync('.', join(checkpoints, 'loop'));
  assert.equal(await newestRun(checkpoints), join(checkpoints, 'run-001'));
  assert.equal(await nextRunName(checkpoints), 'run-003');
  const [run, ...others] = await listRuns(checkpoints);
  assert.deepEqual([run?.name, run?.epochs, others], ['run-001', 1, []]);
  const resume = await findCheckpoint(checkpoints, 'newest');
  await train({ settings, run: join(checkpoints, 'run-001'), resume });
  assert.equal((await findCheckpoint(join(disk, 'moved'), 'newest')).manifest.position.epoch, 3);
});
