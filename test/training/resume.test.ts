/** The settings of a run and whether it can be continued, from its files alone. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Checkpoint, hasSaved } from '../../src/checkpoints/index.ts';
import { defaults } from '../../src/config/index.ts';
import { commandsToReproduce } from '../../src/report/sections/reproduce.ts';
import type { RunRecord, Session } from '../../src/runs/record.ts';
import {
  changedSettings,
  checkResumable,
  describeChanges,
  isOver,
  settingsOfRun,
} from '../../src/training/resume.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** A run's newest checkpoint; only its manifest is used. */
function checkpointIn(
  run: string,
  changes: { dataset?: string; batchSize?: number; architecture?: string } = {},
): Checkpoint {
  const { dataset = 'digest', batchSize = 48, architecture = 'deep' } = changes;
  const manifest = {
    model: { architecture, width: 32, height: 24, channels: 1, classes: ['bat', 'cat'] },
    preprocessing: { fit: 'cover', scale: 1 / 255 },
    training: { seed: 3, batchSize, learningRate: 0.01, validationSplit: 0.3, dataset },
    position: { step: 8, epoch: 2, batch: 0, lossSum: 0, correct: 0 },
    ema: 0.9,
  };
  return { folder: join(run, 'checkpoint-00000008'), manifest } as unknown as Checkpoint;
}

/** The run.json of an older version, without some of the settings. */
function record(run: string, changes: object): void {
  const session = {
    started: '2026-01-01T00:00:00.000Z',
    state: 'stopped',
    command: null,
    settings: { data: 'data', width: 32, height: 24, channels: 1, epochs: 4, batchSize: 12, dropout: 0.5 },
    engine: null,
    dataset: [],
    from: { epoch: 0, step: 0 },
    environment: { batSup: '0', node: '0', platform: '', cpu: '', threads: 1, memory: 1 },
    process: { id: 1, host: '' },
    ...changes,
  };
  writeFileSync(
    join(run, 'run.json'),
    JSON.stringify({ format: 'bat-sup run', version: 1, sessions: [session] }),
  );
}

test('a run has the settings of its last session, and defaults for settings that are newer', async () => {
  const run = temporaryFolder();
  record(run, { ranks: 4 });
  const settings = await settingsOfRun(checkpointIn(run), 4);
  assert.deepEqual([settings.epochs, settings.dropout, settings.warmup, settings.batchSize], [4, 0.5, 0, 12]);
  assert.deepEqual([settings.width, settings.height, settings.channels], [32, 24, 1]);
});

test('another number of ranks shares the same global batch', async () => {
  const run = temporaryFolder();
  record(run, { ranks: 4 });
  const batches = [1, 2, 3, 5, 99].map(
    async (ranks) => (await settingsOfRun(checkpointIn(run), ranks)).batchSize,
  );
  assert.deepEqual(await Promise.all(batches), [48, 24, 16, 10, 1]);
});

test('without a record, a run’s settings come from its checkpoint', async () => {
  const before = await settingsOfRun(checkpointIn(temporaryFolder()));
  assert.deepEqual(before, {
    ...{ architecture: 'deep', width: 32, height: 24, channels: 1 },
    ...{ fit: 'cover', crop: 1, filter: 'lanczos3' },
    ...{ seed: 3, batchSize: 48, learningRate: 0.01, validationSplit: 0.3, ema: 0.9 },
  });
  const imported = checkpointIn(temporaryFolder(), { dataset: '', architecture: 'layers' });
  const size = { width: 32, height: 24, channels: 1 };
  const fitting = { fit: 'cover', crop: 1, filter: 'lanczos3' };
  assert.deepEqual(await settingsOfRun(imported), { ...size, ...fitting });
});

test('a run keeps its own picture folders, even missing ones, and never takes another project’s', async () => {
  const run = temporaryFolder();
  const gone = join(temporaryFolder(), 'usb');
  const [rawData, data] = [join(gone, 'photos'), join(gone, 'data')];
  record(run, { settings: { data, rawData, width: 32, height: 24, channels: 1, epochs: 4, batchSize: 12 } });
  const checkpoint = checkpointIn(run);
  const settings = { ...defaults, ...(await settingsOfRun(checkpoint)) };
  assert.deepEqual([settings.rawData, settings.data], [rawData, data]);
  await assert.rejects(checkResumable(checkpoint, settings), ({ message }: Error) => {
    assert.match(
      message,
      /cannot be resumed: neither .*photos nor .*data holds its pictures; .*--raw-data\.$/,
    );
    return !message.includes('\n');
  });
  // Either of them will do.
  for (const folder of [data, rawData]) {
    for (const name of ['bat', 'cat']) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, '1.jpg'), '');
    }
    await checkResumable(checkpoint, settings);
    rmSync(gone, { recursive: true });
  }
});

test('the layers of an imported network cannot be changed', async () => {
  const imported = checkpointIn(temporaryFolder(), { architecture: 'layers' });
  const settings = {
    ...defaults,
    width: 32,
    height: 24,
    channels: 1,
    rawData: 'none',
    data: 'none',
  } as const;
  await assert.rejects(
    checkResumable(imported, settings, { architecture: 'deep' }),
    /leave out --architecture\.$/,
  );
  await assert.rejects(
    checkResumable(imported, { ...settings, width: 40 }),
    /cannot be resumed: .*width 32 -> 40/,
  );
});

test('every changed setting is listed, with the global batch as one', async () => {
  const run = temporaryFolder();
  record(run, { ranks: 4 });
  const settings = { ...defaults, ...(await settingsOfRun(checkpointIn(run), 2)), dropout: 0.1, epochs: 5 };
  const now = {
    ...settings,
    seed: 3,
    fit: 'cover',
    ema: 0.9,
    validationSplit: 0.3,
    batchSize: 48,
    ranks: 2,
  } as const;
  const changed = await changedSettings(checkpointIn(run), now);
  assert.equal(describeChanges(changed), 'epochs 4 -> 5; dropout 0.5 -> 0.1');
  const scaled = await changedSettings(checkpointIn(run), {
    ...now,
    scaleLearningRate: 'sqrt',
    batchSize: 50,
  });
  assert.equal(
    describeChanges(scaled),
    'epochs 4 -> 5; batchSize 48 -> 50; scaleLearningRate off -> sqrt; dropout 0.5 -> 0.1; ranks 4 -> 2',
  );
});

test('a training is finished after its last epoch, or when its patience runs out', () => {
  const at = (epoch: number, best?: number) => ({
    position: { step: 1, epoch, batch: 0, lossSum: 0, correct: 0 },
    ...(best && { best: { epoch: best, metrics: {} } }),
  });
  const fromNothing = { pretrained: 'off', fineTune: 0 } as const;
  assert.equal(isOver(at(3), { ...fromNothing, epochs: 4, earlyStopping: 0 }), false);
  assert.equal(isOver(at(4), { ...fromNothing, epochs: 4, earlyStopping: 0 }), true);
  assert.equal(isOver(at(5), { ...fromNothing, epochs: 4, earlyStopping: 0 }), true);
  assert.equal(isOver(at(3, 1), { ...fromNothing, epochs: 4, earlyStopping: 2 }), true);
  assert.equal(isOver(at(3, 1), { ...fromNothing, epochs: 4, earlyStopping: 3 }), false);
  assert.equal(isOver(at(3), { ...fromNothing, epochs: 4, earlyStopping: 1 }), false);
  const head = { pretrained: 'efficientnet-lite0', epochs: 4, earlyStopping: 0 } as const;
  assert.equal(isOver(at(0), { ...head, fineTune: 0 }), true);
  assert.equal(isOver(at(0), { ...head, fineTune: 2 }), false);
});

test('damaged checkpoints count as saved, leftovers do not, and an unreadable folder is refused', async () => {
  const checkpoints = temporaryFolder();
  assert.equal(await hasSaved(join(checkpoints, 'nowhere')), false);
  assert.equal(await hasSaved(checkpoints), false);
  mkdirSync(join(checkpoints, 'run-001', 'checkpoint-00000003.tmp'), { recursive: true });
  writeFileSync(join(checkpoints, 'notes.txt'), '');
  assert.equal(await hasSaved(checkpoints), false);
  mkdirSync(join(checkpoints, 'run-002', 'checkpoint-00000003.old'), { recursive: true });
  assert.equal(await hasSaved(checkpoints), true);
  assert.equal(await hasSaved(join(checkpoints, 'run-001')), false);
  assert.equal(await hasSaved(join(checkpoints, 'run-002')), true);
  symlinkSync('run-002', join(checkpoints, 'linked'));
  assert.equal(await hasSaved(join(checkpoints, 'linked')), true);
  symlinkSync('loop', join(checkpoints, 'loop'));
  await assert.rejects(hasSaved(join(checkpoints, 'loop')), /loop cannot be read \(ELOOP/);
});

const session = (changes: Partial<Session>): Session => ({
  ...({ settings: defaults, engine: { name: 'wasm', description: '' }, state: 'finished' } as Session),
  from: { epoch: 0, step: 0 },
  ...changes,
});
const commandsOf = (...sessions: Session[]) => commandsToReproduce({ sessions } as RunRecord);

test('one command reproduces a run, even one that was stopped', () => {
  const settings = {
    ...defaults,
    width: 32,
    epochs: 5,
    augmentTarget: 7,
    checkpoints: 'elsewhere',
    threads: 1,
  };
  const whole = session({ settings });
  const resumed = session({ settings, from: { epoch: 1, step: 3 } });
  const command = 'bat-sup train --width 32 --epochs 5 --engine wasm';
  assert.deepEqual(commandsOf(whole), [command]);
  assert.deepEqual(commandsOf({ ...whole, state: 'stopped' }, resumed), [command]);
  assert.deepEqual(commandsOf(session({ settings, ranks: 4 })), [`mpirun -n 4 ${command}`]);
});

test('the commands to reproduce a run include settings that were changed later', () => {
  const changed = { epochs: { was: 300, is: 5 } };
  const resumed = session({ settings: { ...defaults, epochs: 5 }, changed, from: { epoch: 1, step: 30 } });
  assert.deepEqual(commandsOf(session({ state: 'stopped' }), resumed), [
    'bat-sup train --engine wasm',
    '# stop after step 30, then:',
    'bat-sup train --resume --epochs 5 --engine wasm',
  ]);
});

test('a long command is broken into lines of at most 80 columns that a shell accepts', () => {
  const settings = {
    ...defaults,
    width: 32,
    height: 32,
    epochs: 5,
    batchSize: 4,
    dropout: 0.5,
    labelSmoothing: 0.25,
  };
  const [command = ''] = commandsOf(session({ settings }));
  const lines = command.split('\n');
  assert.ok(lines.length > 1 && lines.every((line) => line.length <= 80), command);
  assert.ok(lines.slice(0, -1).every((line) => line.endsWith(' \\')));
});
