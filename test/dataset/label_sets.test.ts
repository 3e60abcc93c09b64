import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLabelSets, type LabelSets, withLabelSets } from '../../src/dataset/label_sets.ts';
import { classesInLabels, readLabelsFile } from '../../src/dataset/labels_file.ts';
import { scanDataset } from '../../src/dataset/scan.ts';
import { splitPictures } from '../../src/dataset/split.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** Writes pictures of data/, where there is no rawdata/: names of icons by folder. */
async function write(icons: Record<string, string[]>): Promise<{ data: string; rawData: string }> {
  const folder = temporaryFolder();
  const data = join(folder, 'data');
  for (const [name, some] of Object.entries(icons)) {
    mkdirSync(join(data, name), { recursive: true });
    for (const icon of some) await emoji(icon, 16).toFile(join(data, name, `${icon}.png.jpg`));
  }
  return { data, rawData: join(folder, 'rawdata') };
}

async function setsIn(folders: { data: string; rawData: string }, labels = 'off') {
  const notices: string[] = [];
  const sets = await findLabelSets({ ...folders, labels, workers: 0 }, (text) => notices.push(text));
  return { sets, notices };
}

const named = ({ classes, pictures }: LabelSets) =>
  Object.fromEntries(
    Object.entries(pictures).map(([path, { labels }]) => [path, labels.map((label) => classes[label])]),
  );

test('a picture that lies in several folders shows all of their classes, and so do its augmented copies', async () => {
  const folders = await write({ animal: ['bat', 'cow'], food: ['bread', 'bat'], night: ['bat'] });
  const { data } = folders;
  // Copies of the picture in each folder: they differ, and belong to the same source.
  for (const [name, icon] of [
    ['animal', 'dog'],
    ['food', 'pig'],
  ] as const)
    await emoji(icon, 16).toFile(join(data, name, 'bat.png.aug-0001.jpg'));
  const { sets, notices } = await setsIn(folders);
  assert.deepEqual(named(sets), {
    'animal/bat.png.jpg': ['animal', 'food', 'night'],
    'animal/bat.png.aug-0001.jpg': ['animal', 'food', 'night'],
    'food/bat.png.aug-0001.jpg': ['animal', 'food', 'night'],
    'animal/cow.png.jpg': ['animal'],
    'food/bread.png.jpg': ['food'],
  });
  assert.match(notices.join(), /1 picture lies in the folders of several classes/);
  const { pictures } = withLabelSets(await scanDataset(data), sets, data);
  const copies = pictures.filter(({ copyOf }) => copyOf !== undefined);
  assert.deepEqual(
    copies.map(({ copyOf }) => copyOf),
    [join(data, 'animal/bat.png.jpg'), join(data, 'animal/bat.png.jpg')],
  );
  assert.deepEqual(pictures[0]?.softLabel, [1, 1, 1]);
});

test('a labels file names the classes: CSV, JSON Lines, a column for each class, labels in several rows', async () => {
  const folders = await write({ pictures: ['bat', 'cow', 'bread', 'dog'] });
  const file = join(folders.data, '..', 'labels.csv');
  const expected = {
    'pictures/bat.png.jpg': ['animal', 'night'],
    'pictures/cow.png.jpg': ['animal'],
    'pictures/bread.png.jpg': ['food'],
    'pictures/dog.png.jpg': [],
  };
  const jsonLine = (icon: string, labels: string[]) =>
    JSON.stringify({ file: `rawdata/pictures/${icon}.png`, labels });
  for (const text of [
    // Relative to rawdata/; a byte order mark, Windows line ends, spaces.
    '\ufefffile,labels\r\npictures/bat.png,night | animal\r\npictures/cow.png,animal\r\npictures/bread.png,food\r\npictures/dog.png,\r\n',
    // Relative to the file, each label in a row of its own.
    'file,labels\nrawdata/pictures/bat.png,animal\nrawdata/pictures/cow.png,animal\nrawdata/pictures/bread.png,food\nrawdata/pictures/bat.png,night\n"rawdata/pictures/dog.png",\n',
    // As Excel writes it where the comma is the decimal point.
    'file;labels\npictures/bat.png;animal,night\npictures/cow.png;animal\npictures/bread.png;food\npictures/dog.png;\n',
    'file,animal,food,night\npictures/bat.png,1,0,1\npictures/cow.png,1,0,0\npictures/bread.png,0,1,0\npictures/dog.png,0,0,0\n',
    [
      jsonLine('bat', ['night', 'animal']),
      '',
      jsonLine('cow', ['animal']),
      jsonLine('bread', ['food']),
      jsonLine('dog', []),
    ].join('\n'),
  ]) {
    writeFileSync(file, text);
    const { sets } = await setsIn(folders, file);
    assert.deepEqual(sets.classes, ['animal', 'food', 'night']);
    assert.deepEqual(await classesInLabels(file), sets.classes);
    assert.deepEqual(named(sets), expected, text);
  }
  writeFileSync(file, 'file,labels\npictures/bat.png,animal\npictures/cow.png,food\n');
  const { sets, notices } = await setsIn(folders, file);
  assert.deepEqual(Object.keys(sets.pictures), ['pictures/bat.png.jpg', 'pictures/cow.png.jpg']);
  assert.match(notices.join(), /2 pictures are not in .*labels\.csv, and left out\./);
});

for (const [text, says] of [
  ['picture,labels\na.png,bat\n', /line 1: it must name the columns/],
  ['file\na.png\n', /line 1: it has no column "labels", and none for a class/],
  ['file,labels\na.png,bat\n,sup\n', /line 3: the path of the picture is missing/],
  ['file,bat,sup\na.png,1,0\nb.png,yes,0\n', /line 3: the column "bat" must be 0 or 1; received "yes"/],
  ['file,labels\na.png,bat\nb.png,sup,1\n', /line 3/],
  [
    '{"file": "a.png", "labels": ["bat"]}\n{"file": "b.png", "labels": "sup"}\n',
    /line 2: "labels" must be a list/,
  ],
  ['{"file": "a.png", "labels": ["bat"]}\n{"file": 3, "labels": []}\n', /line 2: "file" must be the path/],
  ['{"file": "a.png", "labels": ["bat"]}\nb.png\n', /line 2: it is not a JSON object/],
  ['file,labels\n', /it has no rows/],
  ['', /it has no rows/],
] as const)
  test(`a labels file with ${JSON.stringify(text.slice(0, 60))} is refused by its line`, async () => {
    const file = join(temporaryFolder(), 'labels.csv');
    writeFileSync(file, text);
    await assert.rejects(readLabelsFile(file), (error: Error) => {
      assert.match(error.message, says);
      assert.match(error.message, /labels\.csv/);
      assert.ok(!error.message.includes('\n'));
      return true;
    });
  });

test('a row that names no picture, and a file of one class, are refused', async () => {
  const folders = await write({ pictures: ['bat', 'cow'] });
  const file = join(folders.data, '..', 'labels.csv');
  writeFileSync(file, 'file,labels\npictures/bat.png,animal\npictures/owl.png,night\n');
  await assert.rejects(
    setsIn(folders, file),
    /labels\.csv, line 3: pictures\/owl\.png is not a picture below/,
  );
  writeFileSync(file, 'file,labels\npictures/bat.png,animal\npictures/cow.png,animal\n');
  await assert.rejects(setsIn(folders, file), /names 1 class; a classifier needs two/);
  await assert.rejects(setsIn(folders, join(folders.data, 'none.csv')), /none\.csv cannot be read/);
});

test('pictures that are the same file under two names in one folder are one picture', async () => {
  const folders = await write({ animal: ['bat', 'cow'], food: ['bread'] });
  const { data } = folders;
  copyFileSync(join(data, 'animal/bat.png.jpg'), join(data, 'animal/other.jpg'));
  copyFileSync(join(data, 'animal/bat.png.jpg'), join(data, 'food/third.jpg'));
  const { sets } = await setsIn(folders);
  assert.deepEqual(named(sets)['animal/bat.png.jpg'], ['animal', 'food']);
  assert.equal(Object.keys(sets.pictures).length, 3);
});

const periods = [2, 3, 5, 25];

/** 200 pictures with some of four classes, of which the last is rare. */
function manySets(): { file: string; label: number; labels: number[]; stamp: string }[] {
  return Array.from({ length: 200 }, (_, index) => {
    const labels = [0, 1, 2, 3].filter((label) => (index * 7 + label * 3) % (periods[label] as number) === 0);
    return { file: `data/${index}.jpg`, label: labels[0] ?? 0, labels, stamp: '' };
  });
}

test('both sides have each class, each pair of classes, and the pictures of none in proportion', () => {
  const pictures = manySets();
  for (const [seed, share] of [
    [1, 0.2],
    [2, 0.2],
    [3, 0.35],
  ] as const) {
    const { train, validation } = splitPictures(pictures, { classes: 4, share, seed });
    assert.equal(train.length + validation.length, 200);
    const keys: ((labels: number[]) => boolean)[] = [(labels) => labels.length === 0];
    for (let one = 0; one < 4; one++)
      for (let other = one; other < 4; other++)
        keys.push((labels) => labels.includes(one) && labels.includes(other));
    for (const key of keys) {
      const all = pictures.filter(({ labels }) => key(labels)).length;
      const held = validation.filter((index) => key(pictures[index]?.labels as number[])).length;
      assert.ok(Math.abs(held - all * share) <= 2, `${held} of ${all} with ${share}`);
    }
    const again = splitPictures(pictures, { classes: 4, share, seed });
    assert.deepEqual(again.validation, validation);
  }
});

test('a class of one picture is learned from, one of two is on both sides, and lookalikes stay together', () => {
  const pictures = manySets().map((one, index) => ({
    ...one,
    labels: index === 5 ? [4] : index === 6 || index === 7 ? [5] : one.labels,
  }));
  const lookalikes = pictures.map((_, index) => (index % 10 === 1 ? index - 1 : index));
  const { train, validation } = splitPictures(pictures, { classes: 6, share: 0.2, seed: 1, lookalikes });
  assert.ok(train.includes(5));
  assert.equal(validation.filter((index) => index === 6 || index === 7).length, 1);
  for (let index = 1; index < pictures.length; index += 10)
    assert.equal(train.includes(index), train.includes(index - 1));
});

test('a class of two among few pictures is on both sides, whatever the seed', () => {
  const sets = [[0, 1], [1], [0], [0], [1], [1], [1], [0, 1], [1, 2], [0, 2]];
  const pictures = sets.map((labels, index) => ({
    file: `data/${index}.jpg`,
    label: labels[0] as number,
    labels,
    stamp: '',
  }));
  for (let seed = 0; seed < 20; seed++) {
    const { train, validation } = splitPictures(pictures, { classes: 3, share: 0.2, seed });
    for (const side of [train, validation])
      assert.ok(
        side.some((index) => sets[index]?.includes(2)),
        `seed ${seed}: ${validation}`,
      );
    assert.ok(validation.length <= 4);
  }
});

test('pictures whose side is known keep it, and others make up for them', () => {
  const pictures = manySets();
  const sides = pictures.map((_, index) =>
    index < 100 ? (index < 10 ? 'validation' : 'train') : undefined,
  ) as ('train' | 'validation' | undefined)[];
  const { train, validation } = splitPictures(pictures, { classes: 4, share: 0.2, seed: 1, sides });
  for (let index = 0; index < 100; index++) assert.ok((index < 10 ? validation : train).includes(index));
  assert.ok(Math.abs(validation.length - 40) <= 4, String(validation.length));
});
