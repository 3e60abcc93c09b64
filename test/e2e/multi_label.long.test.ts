/** Several classes in one picture with the real EfficientNet-Lite0, on real drawings, as a user types it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { conceptsOf } from '../../demo/concepts.ts';
import { designers, openDrawings } from '../../demo/designers.ts';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { bin } from '../helpers/bin.ts';
import { cliWith, finish, userEnvironment } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { environmentOf, mpirunOf, system, withoutMpirun } from '../helpers/mpirun.ts';
import { manifestOf, newestCheckpoint } from '../helpers/runs.ts';
import { startServer } from '../helpers/server.ts';

const name = 'efficientnet-lite0';
const skip = withoutWheels(name);
const folder = temporaryFolder();
const environment = { XDG_CACHE_HOME: temporaryFolder() };
const side = 112;
/** Concepts to learn from, and those that are shown afterwards, drawn by a designer that was never seen. */
const count = 20;
const unseen = 6;
const stranger = 'twemoji';

async function drawing(designer: (typeof designers)[number], concept: string): Promise<Buffer> {
  const svg = openDrawings(designer)(concept).replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"');
  return sharp(Buffer.from(svg)).resize(side, side).png().toBuffer();
}

async function sideBySide(left: Buffer, right: Buffer): Promise<Buffer> {
  return sharp({ create: { width: 2 * side, height: 2 * side, channels: 3, background: 'white' } })
    .composite([
      { input: left, left: 0, top: side / 2 },
      { input: right, left: side, top: side / 2 },
    ])
    .png()
    .toBuffer();
}

function write(path: string, data: Buffer): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, data);
}

/** Pictures of two animals, of two dishes and of one of each, which lie in both folders. */
async function writeDrawings(): Promise<void> {
  const [animals, food] = [conceptsOf('animals'), conceptsOf('food')];
  for (const designer of designers.filter((one) => one !== stranger))
    for (let index = 0; index < count; index++) {
      const at = (list: string[], offset: number) =>
        drawing(designer, list[(index + offset) % count] as string);
      const file = `${designer}-${index}.png`;
      write(
        join(folder, 'rawdata/animals', `two-${file}`),
        await sideBySide(await at(animals, 0), await at(animals, 5)),
      );
      write(
        join(folder, 'rawdata/food', `two-${file}`),
        await sideBySide(await at(food, 0), await at(food, 5)),
      );
      const [animal, dish] = [await at(animals, 3), await at(food, 7)];
      const both = await (index % 2 ? sideBySide(animal, dish) : sideBySide(dish, animal));
      for (const one of ['animals', 'food']) write(join(folder, 'rawdata', one, `both-${file}`), both);
    }
  for (let index = 0; index < unseen; index++) {
    const at = (list: string[], offset: number) => drawing(stranger, list[count + index + offset] as string);
    const [animal, other, dish, second] = [
      await at(animals, 0),
      await at(animals, 7),
      await at(food, 0),
      await at(food, 7),
    ];
    write(join(folder, 'unseen', `both-${index}.png`), await sideBySide(animal, dish));
    write(join(folder, 'unseen', `animals-${index}.png`), await sideBySide(animal, other));
    write(join(folder, 'unseen', `food-${index}.png`), await sideBySide(dish, second));
  }
}

async function run(...args: string[]) {
  const done = await cliWith(environment, folder, ...args);
  assert.equal(done.code, 0, done.stderr);
  return done;
}

before(async () => {
  if (skip) return;
  await writeDrawings();
  await run('setup', '--backbone', name, '--from', wheelOf(name));
  await run('train', '--pretrained', '--multi-label', '--run', 'head');
});

interface Line {
  file: string;
  classes: { class: string; probability: number }[];
}

async function answersOf(...args: string[]): Promise<Map<string, string>> {
  const { stdout } = await run('predict', 'unseen', '--json', ...args);
  const lines: Line[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return new Map(
    lines.map(({ file, classes }) => [
      file,
      classes
        .map((one) => one.class)
        .sort()
        .join(' '),
    ]),
  );
}

/** How many pictures of drawings that were never seen are answered with exactly what they show. */
function rightOf(answers: Map<string, string>): { both: number; one: number } {
  const shown = (file: string) =>
    file.includes('both') ? 'animals food' : (/(animals|food)/.exec(file)?.[0] as string);
  const right = [...answers].filter(([file, answer]) => answer === shown(file)).map(([file]) => file);
  const both = right.filter((file) => file.includes('both')).length;
  return { both, one: right.length - both };
}

test('a picture with two classes in it is answered with both, one of a single class with that', {
  skip,
}, async (t) => {
  const { both, one } = rightOf(await answersOf());
  t.diagnostic(`${both} of ${unseen} with two classes, ${one} of ${2 * unseen} with one`);
  assert.ok(both >= unseen - 1, `${both} of ${unseen}`);
  assert.ok(one >= 2 * unseen - 4, `${one} of ${2 * unseen}`);
  const { metrics, thresholds, model } = manifestOf(newestCheckpoint(join(folder, 'checkpoints/head')));
  assert.ok((metrics.validationMeanPrecision as number) > 0.9);
  assert.deepEqual([model.isMultiLabel, thresholds?.length], [true, 2]);
});

test('the head is fine-tuned, and a head for other classes starts from it', { skip }, async () => {
  const few = ['--epochs', '1', '--batch-size', '8'];
  await run('train', '--resume', '--run', 'head', '--fine-tune', '1', ...few);
  assert.ok(rightOf(await answersOf('--checkpoint', 'head', '--newest')).both >= unseen - 2);
  // Neither class is new, and the head of one kind says nothing about the other.
  const same = await run('train', '--from', 'head', '--run', 'again', '--multi-label', '--fine-tune', '0');
  assert.match(same.stderr, /its head kept/);
  const other = await run('train', '--from', 'head', '--run', 'one-class', '--fine-tune', '0');
  assert.match(other.stderr, /head logits cut off for a new one/);
});

test('explain draws a map for each class that is answered, each where its drawing is', { skip }, async () => {
  const { stdout } = await run('explain', 'unseen/both-1.png', '--checkpoint', 'again', '--json');
  const maps = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(maps.map((one) => one.class).sort(), ['animals', 'food']);
  for (const { class: shown, width, gradCam, occlusion } of maps) {
    assert.match(gradCam.file, new RegExp(`both-1-${shown}-gradcam\\.png$`));
    assert.ok(existsSync(join(folder, gradCam.file)));
    // The animal is on the left.
    assert.equal(occlusion.hottest.x < width / 2, shown === 'animals', `${shown} at ${occlusion.hottest.x}`);
  }
});

test('serve answers all classes, and says which', { skip }, async () => {
  const server = await startServer(folder, ['--checkpoint', 'checkpoints/again']);
  const body = readFileSync(join(folder, 'unseen/both-0.png'));
  const answered = await fetch(`${server.url}predict`, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body,
  });
  const [{ answered: names, classes }] = (await answered.json()).answers;
  const { thresholds } = await (await fetch(`${server.url}model`)).json();
  server.process.kill('SIGINT');
  await server.ended;
  assert.equal(thresholds.length, 2);
  assert.deepEqual([...names].sort(), ['animals', 'food']);
  assert.ok(classes[0].probability + classes[1].probability > 1);
});

test('the report has each class and what is shown together', { skip }, async () => {
  await run('report', 'again');
  const page = readFileSync(join(folder, 'report.html'), 'utf8');
  assert.match(page, /Mean average precision/);
  assert.match(page, /Of the pictures that show the class of the row/);
  assert.match(page, /Answered from/);
});

test('two ranks train the same head, and their thresholds are the same', {
  skip: skip || withoutMpirun(),
}, async () => {
  const args = ['train', '--pretrained', '--multi-label', '--run', 'ranks'];
  const env = { ...userEnvironment(), ...environmentOf(system), ...environment };
  const flags = ['--allow-run-as-root', '--oversubscribe', '-n', '2', process.execPath, bin, ...args];
  const { code, stderr } = await finish(spawn(mpirunOf(system), flags, { cwd: folder, env }));
  assert.equal(code, 0, stderr);
  const [one, two] = ['head', 'ranks'].map((other) => {
    const first = readdirSync(join(folder, 'checkpoints', other))
      .filter((file) => file.startsWith('checkpoint-'))
      .sort()[0];
    return manifestOf(join(folder, 'checkpoints', other, first as string));
  });
  assert.equal(one?.files['weights.bin'].sha256, two?.files['weights.bin'].sha256);
  assert.deepEqual(one?.thresholds, two?.thresholds);
});
