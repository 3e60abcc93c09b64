import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLabelled } from '../../src/suggest/labelled.ts';
import { classifySets, entropyOf, meanEntropyOf } from '../../src/suggest/suggest.ts';
import { writeFiles } from '../helpers/files.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();
const rawData = join(folder, 'rawdata');
writeFiles(rawData, { 'bat/1.jpg': 'both', 'bat/2.jpg': 'bat', 'sup/3.jpg': 'both', 'sup/4.jpg': 'sup' });
const in_ = (...paths: string[]) => paths.map((path) => join(rawData, path));

test('a file in the folders of two classes shows both only where pictures can show several', async () => {
  const source = { rawData, labels: 'off' };
  assert.deepEqual(await findLabelled({ ...source, isMultiLabel: true }), {
    classes: ['bat', 'sup'],
    files: in_('bat/1.jpg', 'bat/2.jpg', 'sup/4.jpg'),
    labelSets: [[0, 1], [0], [1]],
  });
  assert.deepEqual(await findLabelled({ ...source, isMultiLabel: false }), {
    classes: ['bat', 'sup'],
    files: in_('bat/1.jpg', 'bat/2.jpg', 'sup/3.jpg', 'sup/4.jpg'),
    labelSets: [[0], [0], [1], [1]],
  });
});

test('a labels file says what pictures show, none too; one without any label, and no folder, are no labels yet', async () => {
  const labels = join(folder, 'labels.csv');
  writeFileSync(labels, 'file,labels\nbat/1.jpg,tree|bat\nsup/4.jpg,\n');
  assert.deepEqual(await findLabelled({ rawData, isMultiLabel: true, labels }), {
    classes: ['bat', 'tree'],
    files: in_('bat/1.jpg', 'sup/4.jpg'),
    labelSets: [[0, 1], []],
  });
  const nothing = { classes: [], files: [], labelSets: [] };
  writeFileSync(labels, 'file,labels\nbat/1.jpg,\n');
  assert.deepEqual(await findLabelled({ rawData, isMultiLabel: true, labels }), nothing);
  const missing = join(folder, 'nowhere');
  assert.deepEqual(await findLabelled({ rawData: missing, isMultiLabel: true, labels: 'off' }), nothing);
});

test('uncertainty is the entropy as a share of the largest, of several classes the mean of theirs', () => {
  assert.equal(entropyOf([0.25, 0.25, 0.25, 0.25]), 1);
  assert.equal(entropyOf([0, 1]), 0);
  // H(1/4) = 2 - 3/4 log2(3) bits
  const quarter = 2 - 0.75 * Math.log2(3);
  assert.ok(Math.abs(meanEntropyOf([0.25, 0.5, 1]) - (quarter + 1) / 3) < 1e-12);
  assert.equal(meanEntropyOf([0.5, 0.5, 0.5]), 1);
});

test('each class is judged by itself: both, one or none', async () => {
  const directions = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  const features = Float32Array.from(
    { length: 80 },
    (_, at) => (directions[(at >> 1) % 4]?.[at % 2] as number) + 0.01 * Math.sin(at),
  );
  const labelSets = Array.from({ length: 40 }, (_, row) =>
    (directions[row % 4] as number[]).flatMap((one, label) => (one ? [label] : [])),
  );
  const labelled = { features, labelSets, classes: 2 };
  const questions = { features: Float32Array.from(directions.flat()), length: 2 };
  const fit = { seed: 1, threads: 1 };
  const found = (await classifySets(questions, labelled, fit)) as Float64Array[];
  assert.deepEqual(
    found.map((row) => Array.from(row, Math.round)),
    directions,
  );
  const all = { ...labelled, labelSets: labelSets.map(() => [0]) };
  assert.equal(await classifySets(questions, all, fit), undefined);
});
