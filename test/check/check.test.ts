import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import { type CheckOptions, checkAll } from '../../src/check/check.ts';
import type { Kind } from '../../src/check/kinds.ts';
import { UserError } from '../../src/errors.ts';
import { emoji } from '../helpers/emoji.ts';
import { hostileName, writeFlawedData } from '../helpers/flawed.ts';
import { temporaryFolder } from '../helpers/folder.ts';

async function flawed(): Promise<CheckOptions> {
  const folder = temporaryFolder();
  await writeFlawedData(folder);
  return { rawData: join(folder, 'rawdata'), width: 100, height: 100, workers: 2 };
}

async function found(options: CheckOptions): Promise<[Kind, string[], string][]> {
  const { findings } = await checkAll(options);
  return findings.map(({ kind, files, why }) => [kind, files, why]);
}

const expected: [Kind, string[], string][] = [
  ['folder', ['animal/more/up'], 'a link to a folder that it lies in'],
  ['unreadable', ['animal/loop.png'], 'a link that leads to itself'],
  ['unreadable', ['animal/page.jpg'], 'HTML, not a picture'],
  [
    'unsupported',
    ['animal/film.mov'],
    'video (QuickTime), which is not supported; save frames of it as JPEG or PNG',
  ],
  ['damaged', ['animal/bear-copy.jpg'], 'bad JPEG data; the rest of the picture is guessed'],
  ['extension', ['animal/dog.png.aug-0001.jpg'], 'PNG with the extension .jpg'],
  ['extension', ['animal/pig.jpeg'], 'WebP with the extension .jpeg'],
  ['tiny', ['food/tiny.png'], '30 x 30 pixels'],
  ['aspect', ['food/stripe.png'], '400 x 80 pixels'],
  ['uniform', ['food/white.png'], 'a single colour'],
  ['duplicate', [`animal/${hostileName}`, 'animal/horse.png'], 'the same file 2 times'],
  ['similar', ['animal/bear-copy.jpg', 'animal/bear.png'], '2 pictures'],
  ['similar', ['animal/pig.jpeg', 'animal/pig.png'], '2 pictures'],
  ['ambiguous', ['animal/cow.png', 'food/steak.png'], 'the same file in "animal" and "food"'],
  ['similar-ambiguous', ['animal/mexican.jpg', 'food/taco.png'], 'in "animal" and "food"'],
];

test('every kind of problem is found and nothing else; augmented copies are not duplicates', async () => {
  const options = await flawed();
  assert.deepEqual(await found(options), expected);
  const { classes, pictures, together } = await checkAll(options);
  assert.deepEqual(classes, [
    { name: 'animal', pictures: 20, generated: 1 },
    { name: 'food', pictures: 16, generated: 0 },
  ]);
  assert.equal(pictures, 36);
  assert.deepEqual(together, { groups: 5, pictures: 10 });
});

test('the number of workers changes nothing', async () => {
  const options = await flawed();
  for (const workers of [1, 7]) {
    rmSync(join(options.rawData, '.checked.jsonl'), { force: true });
    assert.deepEqual(await found({ ...options, workers }), expected);
  }
});

test('threads inspect hundreds of pictures with the same results, whatever the number of workers', async () => {
  const rawData = join(temporaryFolder(), 'rawdata');
  const picture = await emoji('owl').toBuffer();
  const jpeg = await sharp(picture).jpeg().toBuffer();
  const files = { jpg: jpeg, png: picture, jpeg: jpeg.subarray(0, -200) };
  mkdirSync(join(rawData, 'animal'), { recursive: true });
  for (const [extension, bytes] of Object.entries(files))
    for (let index = 0; index < 150; index++)
      writeFileSync(join(rawData, 'animal', `${index}.${extension}`), bytes);
  const cache = join(rawData, '.checked.jsonl');
  const linesOf = async (workers: number) => {
    rmSync(cache, { force: true });
    await checkAll({ rawData, width: 100, height: 100, workers });
    const [, ...lines] = readFileSync(cache, 'utf8').split('\n').filter(Boolean);
    // libvips keeps its words for an error in one place for all threads, where another picture's may replace them.
    return lines.sort();
  };
  const lines = await linesOf(1);
  assert.deepEqual(await linesOf(5), lines);
  // All but path and time.
  const ofKind = (extension: string) => {
    const results = lines.map((line) => JSON.parse(line)).filter(([path]) => path.endsWith(`.${extension}`));
    assert.equal(results.length, 150);
    return new Set(results.map(([, bytes, , ...rest]) => JSON.stringify([bytes, ...rest])));
  };
  for (const extension of Object.keys(files)) assert.equal(ofKind(extension).size, 1, extension);
  assert.match([...ofKind('jpeg')].join(), /damaged JPEG/);
});

test('tiny is relative to the size that is trained on', async () => {
  const options = await flawed();
  assert.ok(!(await found({ ...options, width: 60, height: 60 })).some(([kind]) => kind === 'tiny'));
});

test('imbalanced classes are found', async () => {
  const options = await flawed();
  rmSync(join(options.rawData, 'food'), { recursive: true });
  const food = join(options.rawData, 'food', 'taco.png');
  mkdirSync(join(food, '..'));
  await emoji('taco').toFile(food);
  const imbalance = (await found(options)).filter(([kind]) => kind === 'imbalance');
  assert.deepEqual(imbalance, [['imbalance', [], '"animal" has 20 pictures, "food" has 1 picture']]);
});

/** Changes what an earlier check found out about a picture; whoever looks at the picture again finds it whole. */
function remember(rawData: string, path: string, why: string): void {
  const cache = join(rawData, '.checked.jsonl');
  const lines = readFileSync(cache, 'utf8').trimEnd().split('\n');
  const changed = lines.map((line) => {
    const read = JSON.parse(line);
    return read[0] === path ? JSON.stringify([...read.slice(0, 3), why]) : line;
  });
  assert.notDeepEqual(changed, lines);
  writeFileSync(cache, `${changed.join('\n')}\n`);
}

test('a second check reads only what changed, and skips a torn line', async () => {
  const options = await flawed();
  const bat = join(options.rawData, 'animal', 'bat.png');
  const then = new Date(2026, 0, 1);
  utimesSync(bat, then, then);
  await checkAll(options);
  remember(options.rawData, 'animal/bat.png', 'remembered');
  const cache = join(options.rawData, '.checked.jsonl');
  const lines = readFileSync(cache, 'utf8');
  appendFileSync(cache, '["animal/bat.png",12');
  const isFound = (findings: Awaited<ReturnType<typeof found>>, kind: Kind, why: string) =>
    findings.some((finding) => isDeepStrictEqual(finding, [kind, ['animal/bat.png'], why]));
  const second = await found(options);
  assert.ok(isFound(second, 'unreadable', 'remembered'));
  assert.equal(second.length, expected.length + 1);

  // Other contents, though of the same size and with the time of before: it is read again.
  writeFileSync(bat, Buffer.alloc(statSync(bat).size));
  utimesSync(bat, then, then);
  const third = await found(options);
  assert.ok(isFound(third, 'unsupported', 'not a picture of a known kind'));
  assert.equal(third.length, expected.length + 1);
  assert.ok(readFileSync(cache, 'utf8').startsWith(lines));
});

test('results for a name with a Unicode line separator are found again', async () => {
  const options = await flawed();
  const name = 'a\u2028b\u2029c\nd.png';
  await emoji('owl').toFile(join(options.rawData, 'animal', name));
  await checkAll(options);
  remember(options.rawData, `animal/${name}`, 'remembered');
  assert.ok((await found(options)).some(({ 2: why }) => why === 'remembered'));
});

test('a damaged file of results, or one of another version, is replaced', async () => {
  const options = await flawed();
  for (const content of ['', 'nonsense', '{"bat-sup check":0}\n["animal/bat.png",1,2,"no"]\n']) {
    writeFileSync(join(options.rawData, '.checked.jsonl'), content);
    assert.deepEqual(await found(options), expected);
    assert.deepEqual(await found(options), expected);
  }
});

test('results stay correct after many changes', async () => {
  const options = await flawed();
  const cache = join(options.rawData, '.checked.jsonl');
  await checkAll(options);
  const line = readFileSync(cache, 'utf8').split('\n')[3];
  appendFileSync(cache, `${line}\n`.repeat(2000));
  const { size } = statSync(cache);
  assert.deepEqual(await found(options), expected);
  assert.ok(statSync(cache).size < size / 2, 'obsolete lines are left out');
  assert.deepEqual(await found(options), expected);
});

test('an aborted check keeps its results so far', async () => {
  const options = await flawed();
  const controller = new AbortController();
  const onProgress = (done: number) => {
    if (done === 10) controller.abort();
  };
  await assert.rejects(checkAll({ ...options, onProgress, signal: controller.signal }));
  const lines = readFileSync(join(options.rawData, '.checked.jsonl'), 'utf8').split('\n').filter(Boolean);
  assert.ok(lines.length > 5 && lines.length < 20, `${lines.length} lines`);
  assert.deepEqual(await found(options), expected);
});

test('a picture copied into another class is found by the next check', async () => {
  const options = await flawed();
  await checkAll(options);
  copyFileSync(join(options.rawData, 'animal', 'bat.png'), join(options.rawData, 'food', 'wing.png'));
  const ambiguous = (await found(options)).filter(([kind]) => kind === 'ambiguous');
  assert.deepEqual(
    ambiguous.map(([, files]) => files),
    [
      ['animal/bat.png', 'food/wing.png'],
      ['animal/cow.png', 'food/steak.png'],
    ],
  );
});

test('a folder without classes is an error', async () => {
  const options = { rawData: temporaryFolder(), width: 100, height: 100, workers: 0 };
  await assert.rejects(checkAll(options), UserError);
});
