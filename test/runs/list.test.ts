import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CheckpointInfo, saveCheckpoint } from '../../src/checkpoints/index.ts';
import { type Settings, settingNames, settings } from '../../src/config/settings.ts';
import { UserError } from '../../src/errors.ts';
import { appendHistory } from '../../src/runs/history.ts';
import { differingSettings, listRuns } from '../../src/runs/list.ts';
import { beginSession, readRecord } from '../../src/runs/record.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const defaults = Object.fromEntries(
  settingNames.map((name) => [name, settings[name].default]),
) as unknown as Settings;

const start = (given: Partial<Settings> = {}) => ({
  command: 'bat-sup train',
  settings: { ...defaults, ...given },
  engine: { name: 'wasm', description: 'WebAssembly' } as const,
  dataset: [{ class: 'bat', train: 8, validation: 2 }],
  from: { epoch: 0, step: 0 },
});

async function trained(checkpoints: string, name: string, given: Partial<Settings> = {}): Promise<string> {
  const run = join(checkpoints, name);
  mkdirSync(run, { recursive: true });
  const session = await beginSession(run, start({ epochs: 3, ...given }), false);
  for (const [index, accuracy] of [0.5, 0.9, 0.7].entries()) {
    const epoch = index + 1;
    const time = new Date().toISOString();
    const figures = { validationAccuracy: accuracy, validationLoss: 1 - accuracy };
    await appendHistory(run, { epoch, step: epoch * 4, time, seconds: 1, rate: 40, ...figures });
  }
  await session.end({ state: 'finished', to: { epoch: 3, step: 12 } });
  return run;
}

function info(step: number): CheckpointInfo {
  return {
    model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
    preprocessing: { fit: 'cover', scale: 1 / 255 },
    training: { seed: 7, batchSize: 5, learningRate: 0.01, validationSplit: 0.2, dataset: '' },
    position: { step, epoch: 2, batch: 0, lossSum: 0, correct: 0 },
    metrics: { validationAccuracy: 0.6, validationLoss: 0.5 },
  };
}

test('a run is described by its record and its epochs', async () => {
  const checkpoints = temporaryFolder();
  const folder = await trained(checkpoints, 'run-001');
  writeFileSync(join(folder, 'thousand'), Buffer.alloc(1000));
  const [run] = await listRuns(checkpoints);
  assert.equal(run?.state, 'finished');
  assert.deepEqual([run?.epochs, run?.epochsWanted, run?.steps], [3, 3, 12]);
  assert.deepEqual(run?.best, { epoch: 2, validationAccuracy: 0.9, validationLoss: 1 - 0.9 });
  assert.equal(run?.last.validationAccuracy, 0.7);
  assert.ok(run?.started && run.seconds !== null && run.seconds >= 0);
  const others = ['run.json', 'metrics.jsonl'].map((name) => readFileSync(join(folder, name)).length);
  assert.equal(run?.bytes, 1000 + others.reduce((a, b) => a + b));
});

test('a run without a record is described by its checkpoints', async () => {
  const checkpoints = temporaryFolder();
  await saveCheckpoint(join(checkpoints, 'old'), info(9), { weights: [], optimizer: [] });
  const [run] = await listRuns(checkpoints);
  assert.equal(run?.state, 'unknown');
  assert.deepEqual([run?.started, run?.seconds, run?.epochsWanted], [null, null, null]);
  assert.deepEqual([run?.epochs, run?.steps], [2, 9]);
  assert.equal(run?.best.validationAccuracy, 0.6);
  assert.equal(run?.settings.learningRate, 0.01);
  assert.equal(run?.settings.fit, 'cover');
});

test('a damaged record gives a notice, and its checkpoints are listed', async () => {
  const checkpoints = temporaryFolder();
  await saveCheckpoint(join(checkpoints, 'old'), info(9), { weights: [], optimizer: [] });
  writeFileSync(join(checkpoints, 'old', 'run.json'), '{"format":"bat-sup run","version":1}');
  const notices: string[] = [];
  const [run] = await listRuns(checkpoints, [], (text) => notices.push(text));
  assert.equal(run?.steps, 9);
  assert.match(notices.join(), /run\.json is damaged; delete it/);
});

test('running, stopped, failed and killed trainings are distinguished', async () => {
  const checkpoints = temporaryFolder();
  const states: Record<string, string> = {};
  const begin = async (name: string) => {
    mkdirSync(join(checkpoints, name));
    return beginSession(join(checkpoints, name), start(), false);
  };
  await begin('going');
  await (await begin('halted')).end({ state: 'stopped', to: { epoch: 1, step: 4 } });
  await (await begin('broken')).end({ state: 'failed', failure: 'no space', to: { epoch: 0, step: 1 } });
  await begin('killed');
  const file = join(checkpoints, 'killed', 'run.json');
  const record = JSON.parse(readFileSync(file, 'utf8'));
  record.sessions[0].process.id = spawnSync(process.execPath, ['--version']).pid; // it has ended
  writeFileSync(file, JSON.stringify(record));
  for (const { name, state } of await listRuns(checkpoints)) states[name] = state;
  assert.deepEqual(states, { going: 'running', halted: 'stopped', broken: 'failed', killed: 'interrupted' });
});

test('a resumed run adds a session; a restarted one drops the earlier sessions', async () => {
  const run = await trained(temporaryFolder(), 'run-001');
  await beginSession(run, start(), true);
  assert.deepEqual(
    (await readRecord(run))?.sessions.map(({ state }) => state),
    ['finished', 'running'],
  );
  await beginSession(run, start(), false);
  assert.equal((await readRecord(run))?.sessions.length, 1);
});

test('only settings that differ are named, and missing ones do not count as different', async () => {
  const checkpoints = temporaryFolder();
  await trained(checkpoints, 'a', { learningRate: 0.001 });
  await trained(checkpoints, 'b', { learningRate: 0.01, augmentOperations: ['zoom'] });
  await saveCheckpoint(
    join(checkpoints, 'old'),
    { ...info(9), preprocessing: { fit: 'fill', scale: 1 / 255 } },
    { weights: [], optimizer: [] },
  );
  const runs = await listRuns(checkpoints, ['b', 'a']);
  assert.deepEqual(differingSettings(runs), {
    augmentOperations: [defaults.augmentOperations, ['zoom']],
    learningRate: [0.001, 0.01],
  });
  const all = differingSettings(await listRuns(checkpoints));
  assert.deepEqual(all.seed, [7, 1, 1]);
  assert.equal(all.fit, undefined);
});

test('folders that are not runs are skipped; no runs, or none with the name, is an error', async () => {
  const checkpoints = temporaryFolder();
  mkdirSync(join(checkpoints, 'notes'));
  await assert.rejects(listRuns(checkpoints), /holds no runs; run "bat-sup train" first/);
  await assert.rejects(listRuns(join(checkpoints, 'none')), UserError);
  await trained(checkpoints, 'a');
  assert.equal((await listRuns(checkpoints)).length, 1);
  await assert.rejects(listRuns(checkpoints, ['notes']), /holds no run "notes"/);
});
