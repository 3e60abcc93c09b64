import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import seedrandom from 'seedrandom';
import {
  type CheckpointInfo,
  findCheckpoint,
  loadTensors,
  readCalibration,
  saveCalibration,
  saveCheckpoint,
} from '../../src/checkpoints/index.ts';
import { UserError } from '../../src/errors.ts';
import { readHeldBack } from '../../src/runs/held_back.ts';
import { appendHistory, readHistory } from '../../src/runs/history.ts';
import { readRun } from '../../src/runs/list.ts';
import { readRecord } from '../../src/runs/record.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Of each file; more by BATSUP_TEST_MUTATIONS=100000. */
const mutations = Number(process.env.BATSUP_TEST_MUTATIONS ?? 1500);
const random = seedrandom('mutations');
const below = (count: number) => Math.floor(random() * count);

const bits = (data: Buffer) => {
  const at = below(data.length);
  data[at] = (data[at] as number) ^ (1 << below(8));
  return data;
};
/** Values that trip readers of JSON and of sizes. */
const nasty = [
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  'null',
  '[]',
  '{}',
  '""',
  '"\\u0000"',
  '1.5',
  '1e20',
  'true',
];
const ways: ((data: Buffer) => Buffer)[] = [
  bits,
  (data) => bits(bits(bits(data))),
  (data) => data.subarray(0, below(data.length)),
  (data) => Buffer.concat([data, data.subarray(below(data.length))]),
  (data) => data.fill(below(256), below(data.length), below(data.length) + 1),
  (data) => Buffer.concat([data.subarray(0, below(data.length)), data.subarray(below(data.length))]),
  // A number, a string or a list gives way to another value.
  (data) => {
    const text = data.toString('latin1');
    const found = [...text.matchAll(/-?\d+(?:\.\d+)?|"[^"]*"|\[\]/g)];
    if (found.length === 0) return bits(data);
    const { 0: old, index } = found[below(found.length)] as RegExpExecArray;
    const value = nasty[below(nasty.length)] as string;
    return Buffer.from(text.slice(0, index) + value + text.slice(index + old.length), 'latin1');
  },
];
const mutate = (data: Buffer) => (ways[below(ways.length)] as (typeof ways)[number])(Buffer.from(data));

const info: CheckpointInfo = {
  model: { architecture: 'article', width: 8, height: 8, channels: 3, classes: ['bat', 'sup'] },
  preprocessing: { fit: 'fill', scale: 1 / 255 },
  training: { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2, dataset: 'abc' },
  position: { step: 7, epoch: 1, batch: 2, lossSum: 1.5, correct: 3 },
  metrics: { loss: 0.7, accuracy: 0.5, validationLoss: 0.6, validationAccuracy: 0.5 },
};

const run = join(temporaryFolder(), 'run-001');
let folder = '';

async function readAll() {
  const checkpoint = await findCheckpoint(folder);
  const { checksum, ...manifest } = checkpoint.manifest;
  return {
    manifest,
    weights: await loadTensors(checkpoint, 'weights.bin'),
    optimizer: await loadTensors(checkpoint, 'optimizer.bin'),
  };
}

/** Reads a file `mutations` times after damaging it. @returns how often that was refused. */
async function damageAndRead(file: string, read: () => Promise<unknown>): Promise<number> {
  const whole = readFileSync(file);
  let refused = 0;
  for (let i = 0; i < mutations; i++) {
    const mutated = mutate(whole);
    writeFileSync(file, mutated);
    try {
      await read();
    } catch (error) {
      refused++;
      assert.ok(error instanceof UserError, `mutation ${i}: ${(error as Error).stack}\n${mutated}`);
      assert.ok(error.message.includes(file), error.message);
      assert.ok(!error.message.trim().includes('\n'), error.message);
    }
  }
  writeFileSync(file, whole);
  return refused;
}

describe(`${mutations} mutations of each file`, () => {
  before(async () => {
    const values = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
    folder = await saveCheckpoint(run, info, {
      weights: [
        { name: 'conv1/weights', shape: [2, 3], values: values(6) },
        { name: 'conv1/biases', shape: [3], values: values(3) },
      ],
      optimizer: [{ name: 'conv1/weights/m', shape: [2, 3], values: values(6) }],
    });
    await saveCalibration(folder, { temperature: 1.5, pictures: 40 });
    for (const epoch of [1, 2, 3])
      await appendHistory(run, {
        epoch,
        step: 4,
        time: '2026-01-01T00:00:00.000Z',
        seconds: 1,
        rate: 4,
        loss: 1,
      });
  });

  for (const name of ['manifest.json', 'weights.bin', 'optimizer.bin']) {
    test(`${name}: refused, or the checkpoint is unchanged`, async () => {
      const original = await readAll();
      const refused = await damageAndRead(join(folder, name), async () =>
        assert.deepEqual(await readAll(), original),
      );
      assert.ok(refused > 0.9 * mutations, `${refused} refused`);
    });
  }

  test('calibration.json: refused, or a temperature above 0', async () => {
    const refused = await damageAndRead(join(folder, 'calibration.json'), async () => {
      const { temperature = 0 } = (await readCalibration(folder)) ?? {};
      assert.ok(temperature > 0 && Number.isFinite(temperature));
    });
    assert.ok(refused > 0.3 * mutations, `${refused} refused`);
  });

  test('metrics.jsonl: incomplete lines are left out', async () => {
    const refused = await damageAndRead(join(run, 'metrics.jsonl'), async () => {
      for (const { epoch, step, loss } of await readHistory(run)) {
        assert.ok(Number.isSafeInteger(epoch) && Number.isSafeInteger(step));
        assert.ok(loss === undefined || loss === null || Number.isFinite(loss));
      }
    });
    assert.equal(refused, 0);
  });

  test('validation.json: refused, or pictures with labels', async () => {
    const file = join(run, 'validation.json');
    const pictures = [{ file: 'bat/a.jpg', label: 0 }];
    const heldBack = { format: 'bat-sup validation', version: 1, dataset: 'abc', data: 'data', pictures };
    writeFileSync(file, JSON.stringify(heldBack));
    const refused = await damageAndRead(file, async () => {
      for (const { file: name, label } of (await readHeldBack(run))?.pictures ?? [])
        assert.ok(typeof name === 'string' && Number.isSafeInteger(label));
    });
    assert.ok(refused > 0);
  });

  test('run.json: refused, and the checkpoints are still read', async () => {
    const file = join(run, 'run.json');
    const session = {
      started: '2026-01-01T00:00:00.000Z',
      state: 'finished',
      command: 'bat-sup train',
      settings: { data: 'data', epochs: 3, learningRate: 0.001 },
      engine: { name: 'wasm', description: 'WebAssembly' },
      dataset: [{ class: 'bat', train: 8, validation: 2 }],
      from: { epoch: 0, step: 0 },
      to: { epoch: 3, step: 12 },
      environment: { batSup: '1', node: '20', platform: 'linux', cpu: 'x', threads: 2, memory: 1e9 },
      process: { id: 1, host: 'x' },
    };
    writeFileSync(file, JSON.stringify({ format: 'bat-sup run', version: 1, sessions: [session] }));
    const refused = await damageAndRead(file, () => readRecord(run));
    assert.ok(refused > 0.3 * mutations, `${refused} refused`);
    writeFileSync(file, '{"format":');
    const notices: string[] = [];
    const files = await readRun(run, (text) => notices.push(text));
    assert.equal(files?.checkpoints.length, 1);
    assert.match(notices.join(), /run\.json is damaged/);
  });
});
