/** A checkpoint of TensorFlow 1, as the article's trainer leaves it, taken over by the real command. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import sharp from 'sharp';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, picturesFor } from '../helpers/network.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const folder = temporaryFolder();
const size = { width: 26, height: 22 };
const count = 6;
const pixels = picturesFor({ architecture: 'article', ...size, channels: 3, classes: [] }, count);
const names = ['animal', 'food'];

describe('the article’s own checkpoint', { skip: withoutPackage('tensorflow') }, () => {
  let theirs: number[][];

  before(async () => {
    writeFileSync(join(folder, 'pixels'), pixels);
    const task = {
      folder: join(folder, 'tensorflow'),
      pixels: join(folder, 'pixels'),
      ...size,
      only: ['article'],
    };
    writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
    const script = new URL('../formats/tensorflow/make_checkpoints.py', import.meta.url);
    theirs = runPython(script, join(folder, 'task.json')).article.logits;
    // Of the network's size, and without loss: resizing has no part in the answers.
    mkdirSync(join(folder, 'pictures'));
    for (let index = 0; index < count; index++) {
      const one = pixels.subarray(index * (pixels.length / count), (index + 1) * (pixels.length / count));
      await sharp(one, { raw: { ...size, channels: 3 } })
        .png()
        .toFile(join(folder, 'pictures', `${index}.png`));
    }
  });

  async function logitsOf(run: string): Promise<number[][]> {
    const asked = [
      'predict',
      'pictures',
      '--checkpoint',
      `checkpoints/${run}`,
      '--activation',
      'none',
      '--csv',
    ];
    const { code, stdout, stderr } = await cli(folder, ...asked);
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split('\n').slice(1).sort();
    return lines.map((line) => line.split(',').slice(3, 5).map(Number));
  }

  test('is imported, and predicts the logits that TensorFlow predicts', async () => {
    const source = join('tensorflow', 'article');
    const files = readdirSync(join(folder, source));
    assert.deepEqual(files, ['.data-00000-of-00001', '.index', '.meta', 'checkpoint']);
    const { code, stdout, stderr } = await cli(
      folder,
      ...['import', source, '--run', 'article', '--classes', names.join(), '--json'],
    );
    assert.equal(code, 0, stderr);
    const { format, model, preprocessing, step, checkpoint } = JSON.parse(stdout);
    assert.equal(format, 'tf-checkpoint');
    assert.equal(step, 2);
    assert.match(checkpoint, /checkpoint-00000002$/);
    const { layers, ...description } = model;
    assert.deepEqual(description, { architecture: 'article', ...size, channels: 3, classes: names });
    assert.deepEqual(
      layers.map(({ name }: { name: string }) => name),
      [
        ...['conv1', 'pool1', 'relu1', 'conv2', 'pool2', 'relu2', 'conv3', 'pool3', 'relu3'],
        ...['flatten', 'fc1', 'relu4', 'logits'],
      ],
    );
    assert.deepEqual(preprocessing, { fit: 'fill', scale: 1, order: 'bgr' });
    const { difference, spread } = compare(theirs, await logitsOf('article'));
    assert.ok(difference <= 1e-5 * spread, `they differ by ${difference}, of a spread of ${spread}`);
  });

  test('is trained and evaluated with the pictures as it expects them', async () => {
    await writeRawData(folder);
    const sizes = ['--width', '26', '--height', '22', '--batch-size', '4'];
    const steps = [
      ['train', '--resume', '--run', 'article', '--epochs', '1', ...sizes],
      ['evaluate', '--checkpoint', 'checkpoints/article'],
      ['explain', 'pictures/0.png', '--checkpoint', 'checkpoints/article'],
      ['export', '--format', 'tf-checkpoint', '--checkpoint', 'checkpoints/article', '--output', 'again'],
      ['import', 'again', '--run', 'again'],
    ];
    for (const step of steps) {
      const { code, stderr } = await cli(folder, ...step);
      assert.equal(code, 0, `${step.join(' ')}: ${stderr}`);
    }
    assert.deepEqual(await logitsOf('again'), await logitsOf('article'));
  });
});
