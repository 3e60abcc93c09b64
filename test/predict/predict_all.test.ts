import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type PredictInput, predictInputs } from '../../src/predict/inputs.ts';
import { predictAll } from '../../src/predict/predict_all.ts';
import type { Predictor } from '../../src/predict/predictor.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Answers each picture with its first byte, and takes longer for some than for others. */
const echo: Predictor = {
  description: { architecture: 'article', width: 1, height: 1, channels: 1, classes: ['a', 'b'] },
  fit: 'fill',
  checkpoint: '',
  layers: [],
  temperature: 1,
  forward: () => assert.fail('only answers are asked for'),
  async decode(picture) {
    const byte = (picture as Buffer)[0] as number;
    await new Promise((resolve) => setTimeout(resolve, (byte * 7) % 5));
    if (byte === 13) throw new Error('unlucky');
    return Uint8Array.of(byte);
  },
  predict: async (pictures) => pictures.map((pixels) => Float32Array.of(pixels[0] as number, 0)),
  dispose() {},
};

async function* numbered(count: number): AsyncGenerator<PredictInput> {
  for (let i = 0; i < count; i++) yield { name: String(i), read: async () => Buffer.of(i) };
}

test('answers come in the order of the inputs, with errors in their place', async () => {
  for (const count of [0, 1, 3, 4, 5, 8, 9, 50]) {
    const answers = [];
    for await (const answer of predictAll(echo, numbered(count), 'none', 4)) answers.push(answer);
    assert.deepEqual(
      answers,
      Array.from({ length: count }, (_, i) =>
        i === 13 ? { name: '13', error: 'unlucky' } : { name: String(i), values: Float32Array.of(i, 0) },
      ),
    );
  }
});

test('files, folders and globs become files; a missing file fails when it is read', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true });
  for (const file of ['b.png', 'a.jpg', 'deep/c.png', 'deep/er/d.png', '.hidden.png']) {
    writeFileSync(join(folder, file), 'x');
  }
  const names = [
    join(folder, 'b.png'),
    `${folder}/deep`,
    `${folder}/*.jpg`,
    join(folder, 'none.png'),
    `${folder}/*.gif`,
  ];
  const inputs = [];
  for await (const input of predictInputs(names)) inputs.push(input);
  assert.deepEqual(
    inputs.map(({ name }) => name.slice(folder.length + 1)),
    ['b.png', 'deep/c.png', 'deep/er/d.png', 'a.jpg', 'none.png', '*.gif'],
  );
  await assert.rejects(inputs.at(-2)?.read() ?? Promise.resolve(), /there is no such file/);
  await assert.rejects(inputs.at(-1)?.read() ?? Promise.resolve(), /no file matches/);
});
