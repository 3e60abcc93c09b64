/** Pictures that show several classes, from folders or a labels file, through train, predict, evaluate and resume. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { writePairs } from '../helpers/pairs.ts';

const folder = temporaryFolder();
const small = ['--width', '24', '--height', '24', '--batch-size', '8', '--learning-rate', '0.003'];

async function run(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await cli(folder, ...args);
  assert.equal(code, 0, stderr);
  return { stdout, stderr };
}

async function refused(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(folder, ...args);
  assert.deepEqual([stdout, code === 1 || code === 2], ['', true], stderr);
  assert.equal(stderr.trim().split('\n').length, 1, stderr);
  return stderr;
}

const json = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
const newestCheckpoint = (name: string) =>
  readdirSync(join(folder, 'checkpoints', name))
    .filter((one) => one.startsWith('checkpoint-'))
    .sort()
    .at(-1) as string;

before(async () => {
  await writePairs(folder);
  await run('train', '--multi-label', '--epochs', '2', ...small);
});

test('the manifest says that the classes do not exclude each other, and from which probability each is answered', () => {
  const { model, thresholds, metrics } = json(
    `checkpoints/run-001/${newestCheckpoint('run-001')}/manifest.json`,
  );
  assert.equal(model.isMultiLabel, true);
  assert.equal(thresholds.length, 2);
  for (const one of thresholds) assert.ok(one > 0 && one < 1);
  assert.ok(metrics.validationMeanPrecision > 0 && metrics.validationMeanPrecision <= 1);
  const { pictures, trained } = json('checkpoints/run-001/validation.json');
  // 36 pictures in 48 files.
  assert.equal(pictures.length + trained.length, 36);
  assert.ok(pictures.some(({ labels }: { labels: number[] }) => labels.join() === '0,1'));
});

test('predict answers every class from its threshold on, or none', async () => {
  const checkpoint = json(`checkpoints/run-001/${newestCheckpoint('run-001')}/manifest.json`);
  const thresholds = Object.fromEntries(
    checkpoint.model.classes.map((name: string, label: number) => [name, checkpoint.thresholds[label]]),
  );
  const flags = ['--checkpoint', 'run-001', '--newest'];
  const { stdout } = await run('predict', 'rawdata', '--json', '--top-k', '2', ...flags);
  for (const line of stdout.trim().split('\n')) {
    const { classes, top, ...others } = JSON.parse(line);
    assert.deepEqual(Object.keys(others), ['file']);
    const wanted = top.filter(
      (one: { class: string; probability: number }) => one.probability >= thresholds[one.class],
    );
    assert.deepEqual(classes, wanted);
  }
  const csv = (await run('predict', 'rawdata', '--csv', '--threshold', '1', ...flags)).stdout.split('\n');
  assert.equal(csv[0], 'file,classes,animal,food,error');
  assert.match(csv[1] as string, /^rawdata\/animal\/bat-avocado\.png,,0\.\d+,0\.\d+,$/);
  const [text] = (await run('predict', 'rawdata/animal/bat.png', '--threshold', '0', ...flags)).stdout.split(
    '\n',
  );
  assert.match(text as string, /bat\.png {2}(animal|food) 0\.\d{4} {2}(animal|food) 0\.\d{4}$/);
  const [none] = (await run('predict', 'rawdata/animal/bat.png', '--threshold', '1', ...flags)).stdout.split(
    '\n',
  );
  assert.match(none as string, /bat\.png {2}none \((animal|food) 0\.\d{4}\)$/);
  assert.match(
    await refused('predict', 'rawdata/animal/bat.png', '--activation', 'softmax'),
    /--multi-label/,
  );
});

test('logits are answered as their probabilities are', async () => {
  const answers = async (...args: string[]) =>
    (await run('predict', 'rawdata', '--json', ...args)).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).classes.map((one: { class: string }) => one.class));
  assert.deepEqual(await answers('--activation', 'none'), await answers());
});

test('a picture is sorted into the folder of each of its classes, and never lost', async () => {
  const pictures = join(folder, 'inbox');
  mkdirSync(pictures);
  const names = ['bat-avocado.png', 'bear-bacon.png', 'cow.png'];
  for (const name of names)
    writeFileSync(join(pictures, name), readFileSync(join(folder, 'rawdata/animal', name)));
  const { stdout, stderr } = await run('predict', 'inbox', '--copy-to', 'all', '--threshold', '0', '--json');
  for (const line of stdout.trim().split('\n')) assert.equal(JSON.parse(line).to.length, 2);
  assert.match(stderr, /Copied to all: 3 animal, 3 food/);
  await run('predict', 'inbox', '--move-to', 'moved', '--threshold', '0');
  assert.deepEqual(readdirSync(pictures), []);
  for (const name of names)
    for (const place of ['all/animal', 'all/food', 'moved/animal', 'moved/food'])
      assert.deepEqual(
        readFileSync(join(folder, place, name)),
        readFileSync(join(folder, 'rawdata/animal', name)),
      );
  const none = await run('predict', 'moved/food', '--move-to', 'again', '--threshold', '1');
  assert.match(none.stderr, /Moved to again: 3 none/);
  assert.deepEqual(readdirSync(join(folder, 'again/none')).sort(), names);
});

test('evaluate shows each class, and chooses thresholds of a precision, which predict uses', async () => {
  const { stdout } = await run('evaluate');
  assert.match(stdout, /^mAP {2,}\d\.\d{4}/m);
  assert.match(stdout, /^Together: /m);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  const before = JSON.parse((await run('evaluate', '--json')).stdout);
  assert.equal(before.classes.length, 2);
  assert.equal(before.thresholdsStored, false);
  const own = JSON.parse((await run('evaluate', 'rawdata', '--json')).stdout);
  assert.equal(own.pictures, 36);
  assert.equal(own.shown[0][1], 12);
  const chosen = JSON.parse((await run('evaluate', '--min-precision', '0.9', '--json')).stdout);
  assert.equal(chosen.thresholdsStored, true);
  const after = JSON.parse((await run('evaluate', '--json')).stdout);
  const thresholds = ({ classes }: { classes: { threshold: number }[] }) =>
    classes.map((one) => one.threshold);
  assert.deepEqual(thresholds(after), thresholds(chosen));
  const csv = (await run('evaluate', 'rawdata', '--csv')).stdout.trim().split('\n');
  assert.equal(csv[0], 'file,classes,answered,animal,food');
  assert.ok(csv.some((line) => line.includes(',animal;food,')));
  assert.match(await refused('evaluate', '--calibrate'), /choose its thresholds with --min-precision/);
  assert.match(await refused('evaluate', '--min-precision', 'high'), /received "high"/);
});

test('a resumed run stays of its kind, and a setting of the other is refused', async () => {
  const { stderr } = await run('train', '--resume', '--run', 'run-001', '--epochs', '3');
  assert.match(
    stderr,
    /epoch 3\/3 {2}loss \d\.\d{4} {2}val loss \d\.\d{4} {2}exact \d\.\d{4} {2}mAP \d\.\d{4}/,
  );
  const says = await refused(
    'train',
    '--resume',
    '--run',
    'run-001',
    '--multi-label',
    'off',
    '--epochs',
    '4',
  );
  assert.match(says, /was trained with --multi-label and stays so/);
  await run('train', '--run', 'one', '--epochs', '1', ...small);
  const other = await refused('train', '--resume', '--run', 'one', '--multi-label', '--epochs', '2');
  assert.match(other, /was trained without --multi-label and stays so/);
  assert.match(
    await refused('evaluate', '--checkpoint', 'one', '--min-precision', '0.9'),
    /is not; leave it out/,
  );
});

test('the same seed gives the same bytes, stopped in between or not', async () => {
  const weights = (name: string) =>
    readFileSync(join(folder, 'checkpoints', name, newestCheckpoint(name), 'weights.bin'));
  const again = ['--multi-label', '--label-smoothing', '0.1', '--class-weights', 'balanced', ...small];
  await run('train', '--run', 'whole', '--epochs', '2', ...again);
  await run('train', '--run', 'parts', '--epochs', '1', ...again);
  await run('train', '--resume', '--run', 'parts', '--epochs', '2');
  assert.deepEqual(weights('parts'), weights('whole'));
});

test('a labels file stands for folders: the same pictures and labels give the same network', async () => {
  const listed = temporaryFolder();
  await writePairs(listed);
  mkdirSync(join(listed, 'flat/all'), { recursive: true });
  const rows = new Map<string, string[]>();
  for (const name of ['animal', 'food'])
    for (const file of readdirSync(join(listed, 'rawdata', name))) {
      rows.set(file, [...(rows.get(file) ?? []), name]);
      renameSync(join(listed, 'rawdata', name, file), join(listed, 'flat/all', file));
    }
  const text = [...rows].map(([file, labels]) => `all/${file},${labels.join('|')}\n`).join('');
  writeFileSync(join(listed, 'flat/labels.csv'), `file,labels\n${text}`);
  const train = ['train', 'flat', '--labels', 'flat/labels.csv', '--epochs', '1', ...small];
  const missing = await cli(listed, ...train);
  assert.deepEqual([missing.code, missing.stdout], [2, '']);
  assert.match(
    missing.stderr,
    /labels \(--labels\) are for pictures of several classes; add --multi-label\./,
  );
  const { code, stderr } = await cli(listed, ...train, '--multi-label');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^2 classes: animal, food$/m);
  const { pictures, trained } = JSON.parse(
    readFileSync(join(listed, 'checkpoints/run-001/validation.json'), 'utf8'),
  );
  assert.equal(pictures.length + trained.length, 36);
  const evaluated = await cli(listed, 'evaluate', 'flat', '--labels', 'flat/labels.csv', '--json');
  assert.equal(evaluated.code, 0, evaluated.stderr);
  assert.equal(JSON.parse(evaluated.stdout).shown[0][1], 12);
  writeFileSync(join(listed, 'flat/labels.csv'), 'file,labels\nall/bat.png,animal\nall/owl.png,food\n');
  const wrong = await cli(listed, ...train, '--multi-label');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /labels\.csv, line 3: all\/owl\.png is not a picture below flat/);
});

test('check finds nothing in a picture that lies in several folders on purpose', async () => {
  const kinds = async (...args: string[]) =>
    JSON.parse((await run('check', '--json', ...args)).stdout).findings.map(
      (one: { kind: string }) => one.kind,
    );
  assert.equal((await kinds()).filter((kind: string) => kind === 'ambiguous').length, 12);
  assert.ok(!(await kinds('--multi-label')).includes('ambiguous'));
  assert.match(await refused('check', '--multi-label', '--labels'), /judges pictures of one class each/);
});

test('what needs one class per picture is refused', async () => {
  const says = await refused(
    'train',
    '--multi-label',
    '--augment-classes',
    '{"food": ["rotate"]}',
    '--augment',
    'online',
    ...small,
  );
  assert.match(says, /augmentClasses .* leave it out/);
  assert.ok(!existsSync(join(folder, 'checkpoints/run-002')));
});
