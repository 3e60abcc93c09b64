/** TensorBoard reads every kind of summary. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import {
  encodePicture,
  experimentSummary,
  histogramSummary,
  imageSummary,
  markdownTable,
  openEventWriter,
  prCurveSummary,
  scalarSummary,
  sessionEndSummary,
  sessionStartSummary,
  textSummary,
} from '../../src/tensorboard/index.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const readEvents = new URL('./read_events.py', import.meta.url);
const random = seedrandom('summaries');
const numbers = Float32Array.from({ length: 1000 }, () => Math.log(random() + 1e-3));
const probabilities = Array.from({ length: 300 }, () => random());
const isPositive = probabilities.map((probability) => random() < probability);
const hparams = { learningRate: 0.001, augment: 'online', mixed: true };

async function writeAll(folder: string, picture: Buffer): Promise<void> {
  const writer = await openEventWriter(folder);
  writer.summary(1, scalarSummary({ loss: 0.5, accuracy: 0.75 }));
  writer.summary(1, histogramSummary('numbers', numbers));
  writer.summary(1, histogramSummary('same', new Float32Array(10).fill(3)));
  writer.summary(1, histogramSummary('broken', Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 2)));
  writer.summary(1, histogramSummary('sample', numbers, 1_000_000));
  writer.summary(1, histogramSummary('none', new Float32Array()));
  const files = [picture, picture];
  writer.summary(1, imageSummary('bats', { width: 24, height: 24, files }, 'two **bats**'));
  writer.summary(1, textSummary('table', markdownTable(['a|b', 'c'], [['*x*', 1]])));
  writer.summary(1, prCurveSummary('curve', probabilities, isPositive));
  writer.summary(1, experimentSummary(hparams, [{ folder: 'train', tag: 'loss', name: 'the loss' }], []));
  writer.summary(1, sessionStartSummary(hparams));
  writer.summary(1, sessionEndSummary('success'));
  await writer.close();
}

describe('TensorBoard reads', { skip: withoutPackage('tensorboard') }, () => {
  let run: Record<string, Record<string, [step: number, value: never][]>>;
  let numpys: number[][];
  before(async () => {
    const folder = temporaryFolder();
    const pixels = await emoji('bat', 24).removeAlpha().raw().toBuffer();
    await writeAll(folder, await encodePicture(pixels, { width: 24, height: 24, channels: 3 }));
    const list = join(temporaryFolder(), 'numbers.json');
    writeFileSync(list, JSON.stringify([...numbers]));
    const read = runPython(readEvents, folder, list);
    run = read['.'];
    numpys = read.histogram;
  });
  const firstOf = <T>(dashboard: string, tag: string): T => run[dashboard]?.[tag]?.[0]?.[1] as T;

  test('scalars', () => {
    assert.equal(firstOf('scalars', 'loss'), 0.5);
    assert.equal(firstOf('scalars', 'accuracy'), 0.75);
  });

  test('histograms equal to its own', () => {
    const ours = firstOf<number[][]>('histograms', 'numbers');
    assert.equal(ours.length, 30);
    for (const [index, [left, right, count]] of ours.entries()) {
      const [theirLeft, theirRight, theirCount] = numpys[index] as number[];
      assert.ok(Math.abs((left as number) - (theirLeft as number)) < 1e-9);
      assert.ok(Math.abs((right as number) - (theirRight as number)) < 1e-9);
      assert.equal(count, theirCount);
    }
  });

  test('histograms of one value, of none, and of values that are not numbers', () => {
    const same = firstOf<number[][]>('histograms', 'same');
    assert.deepEqual(same.at(-1), [3, 3, 10]);
    assert.deepEqual(same[0], [3, 3, 0]);
    const broken = firstOf<number[][]>('histograms', 'broken');
    assert.deepEqual([broken[0]?.[0], broken.at(-1)?.[1]], [1, 2]);
    assert.equal(
      broken.reduce((sum, [, , count]) => sum + (count as number), 0),
      2,
    );
    assert.deepEqual(firstOf<number[][]>('histograms', 'none')[0], [0, 0, 0]);
  });

  test('a histogram of a sample, scaled to the counts of the whole', () => {
    const table = firstOf<number[][]>('histograms', 'sample');
    assert.equal(Math.round(table.reduce((sum, [, , count]) => sum + (count as number), 0)), 1_000_000);
    assert.equal(run.descriptions?.sample as unknown, 'A sample of 1000 of 1000000 values.');
  });

  test('images equal to the pictures that were written', async () => {
    const [width, height, ...files] = firstOf<string[]>('images', 'bats').map((text) =>
      Buffer.from(text, 'base64'),
    );
    assert.deepEqual([String(width), String(height)], ['24', '24']);
    assert.equal(files.length, 2);
    const original = await emoji('bat', 24).removeAlpha().raw().toBuffer();
    const decoded = await sharp(files[0]).raw().toBuffer();
    const error = decoded.reduce((sum, value, at) => sum + Math.abs(value - (original[at] as number)), 0);
    assert.ok(error / decoded.length < 8, `${error / decoded.length} levels apart`);
  });

  test('texts with their cells unchanged', () => {
    const [text] = firstOf<string[]>('text', 'table').map((one) => Buffer.from(one, 'base64').toString());
    assert.equal(text, '| a\\|b | c |\n| --- | --- |\n| \\*x\\* | 1 |');
  });

  test('a precision-recall curve that counts what is above each threshold', () => {
    const [tp, fp, tn, fn, precision, recall] = firstOf<number[][]>('pr_curves', 'curve') as [
      number[],
      number[],
      number[],
      number[],
      number[],
      number[],
    ];
    for (const [index, count] of tp.entries()) {
      const above = probabilities.map((probability) => Math.floor(probability * 100) >= index);
      const expected = [true, false].map(
        (side) => above.filter((is, picture) => is && isPositive[picture] === side).length,
      ) as [number, number];
      assert.deepEqual([count, fp[index]], expected);
      assert.equal((tp[index] as number) + (fn[index] as number), isPositive.filter(Boolean).length);
      assert.equal((fp[index] as number) + (tn[index] as number), isPositive.filter((is) => !is).length);
      const sum = expected[0] + expected[1];
      assert.ok(Math.abs((precision[index] as number) - expected[0] / Math.max(sum, 1)) < 1e-6);
    }
    assert.equal(recall[0], 1);
  });

  test('a run’s settings and how it ended', () => {
    const {
      '_hparams_/experiment': experiment,
      '_hparams_/session_start_info': start,
      '_hparams_/session_end_info': end,
    } = run.hparams as unknown as Record<string, Record<string, Record<string, unknown>>>;
    assert.deepEqual(start?.sessionStartInfo?.hparams, hparams);
    assert.equal(end?.sessionEndInfo?.status, 'STATUS_SUCCESS');
    assert.deepEqual(experiment?.experiment?.metricInfos, [
      { name: { group: 'train', tag: 'loss' }, displayName: 'the loss' },
    ]);
    const infos = experiment?.experiment?.hparamInfos as { name: string; type: string }[];
    assert.deepEqual(
      infos.map(({ name, type }) => [name, type]),
      [
        ['learningRate', 'DATA_TYPE_FLOAT64'],
        ['augment', 'DATA_TYPE_STRING'],
        ['mixed', 'DATA_TYPE_BOOL'],
      ],
    );
  });
});

test('each row of a Markdown table has as many cells as its heading, whatever they contain', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (cells) => {
      const table = markdownTable(cells, [cells]).split('\n');
      assert.equal(table.length, 3);
      for (const line of table) {
        const bars = line.replace(/\\./g, '').split('|').length - 1;
        assert.equal(bars, cells.length + 1);
      }
    }),
  );
});
