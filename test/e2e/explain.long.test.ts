/** In these small pictures of noise a striped square decides the class; the heat maps must point to it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { legendHeight } from '../../src/explain/legend.ts';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const side = 24;
const square = 8;
const folder = temporaryFolder();
const random = seedrandom('explain');

interface Planted {
  left: number;
  top: number;
}

/** Writes a picture with 'upright' or 'level' stripes at a random position. */
async function plant(file: string, className: string): Promise<Planted> {
  const position = () => Math.floor(random() * (side - square + 1));
  const [left, top] = [position(), position()];
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => 60 + Math.floor(random() * 120));
  for (let y = 0; y < square; y++) {
    for (let x = 0; x < square; x++) {
      const along = className === 'upright' ? x : y;
      pixels.fill(
        along % 4 < 2 ? 240 : 15,
        ((top + y) * side + left + x) * 3,
        ((top + y) * side + left + x + 1) * 3,
      );
    }
  }
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(file);
  return { left, top };
}

const classes = ['upright', 'level'];
const unseen = new Map<string, Planted>();

before(async () => {
  for (const name of classes) {
    mkdirSync(join(folder, 'rawdata', name), { recursive: true });
    mkdirSync(join(folder, 'unseen', name), { recursive: true });
    for (let i = 0; i < 64; i++) await plant(join(folder, 'rawdata', name, `${i}.png`), name);
    for (let i = 0; i < 8; i++) {
      const file = `unseen/${name}/${i}.png`;
      unseen.set(file, await plant(join(folder, file), name));
    }
  }
  const size = ['--width', String(side), '--height', String(side)];
  const { code, stderr } = await cli(folder, 'train', ...size, '--batch-size', '8', '--epochs', '8');
  assert.equal(code, 0, stderr);
});

function lines(stdout: string) {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('both methods point into the square that decides the class', async () => {
  const { code, stdout, stderr } = await cli(folder, 'explain', 'unseen', '--json');
  assert.equal(code, 0, stderr);
  const answers = lines(stdout);
  assert.deepEqual(answers.map(({ file }) => file).sort(), [...unseen.keys()].sort());
  for (const answer of answers) assert.equal(answer.class, answer.file.split('/')[1]);
  for (const method of ['gradCam', 'occlusion']) {
    const hits = answers.filter((answer) => {
      const { left, top } = unseen.get(answer.file) as Planted;
      const { x, y } = answer[method].hottest;
      return x >= left && x < left + square && y >= top && y < top + square;
    });
    // By chance it would be 2 of 16, since the square is a ninth of the picture, and 10 once in a million times.
    assert.ok(hits.length >= 10, `${method} points into ${hits.length} of ${answers.length}`);
  }
});

test('the drawings are PNG files of at least 400 pixels, with different names', async () => {
  const output = ['--output', 'drawn'];
  const pictures = ['unseen/upright/0.png', 'unseen/level/0.png'];
  const first = await cli(folder, 'explain', ...pictures, '--layers', '--json', ...output);
  assert.equal(first.code, 0, first.stderr);
  const files = lines(first.stdout).flatMap(({ gradCam, occlusion, layers }) => [
    gradCam.file,
    occlusion.file,
    ...Object.values(layers as Record<string, string>),
  ]);
  // Two heat maps, and three levels of convolution, pooling and activation.
  assert.equal(new Set(files).size, 2 * 11);
  for (const file of files) assert.equal((await sharp(join(folder, file)).metadata()).format, 'png');
  assert.ok(files.includes(join('drawn', '0-gradcam.png')) && files.includes(join('drawn', '0-2-conv1.png')));
  const { width, height } = await sharp(join(folder, 'drawn', '0-gradcam.png')).metadata();
  assert.deepEqual([width, height], [side * 17, side * 17 + legendHeight]);

  const before = readFileSync(join(folder, 'drawn', '0-gradcam.png'));
  const count = readdirSync(join(folder, 'drawn')).length;
  const again = await cli(folder, 'explain', ...pictures.reverse(), '--layers', ...output);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(readdirSync(join(folder, 'drawn')).length, count);
  assert.deepEqual(readFileSync(join(folder, 'drawn', '0-gradcam.png')), before);
});

test('--class explains the other class, --no-occlusion leaves out the check', async () => {
  const flags = ['--class', 'level', '--no-occlusion', '--output', 'other'];
  const { code, stdout, stderr } = await cli(folder, 'explain', 'unseen/upright/1.png', ...flags);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^unseen\/upright\/1\.png {2}level 0\.\d{4}\n {2}other.1-gradcam\.png\n$/);
  assert.ok(!existsSync(join(folder, 'other', '1-occlusion.png')));
});

test('an unreadable file is one line on stderr and exit code 1; the others are explained', async () => {
  writeFileSync(join(folder, 'bad.png'), 'no picture');
  const pictures = ['bad.png', 'unseen/level/2.png', 'missing.png'];
  const { code, stdout, stderr } = await cli(folder, 'explain', ...pictures, '--no-occlusion', '--json');
  assert.equal(code, 1);
  assert.deepEqual(
    lines(stdout).map(({ file }) => file),
    ['unseen/level/2.png'],
  );
  assert.match(stderr, /bad\.png: text, not a picture/);
  assert.match(stderr, /missing\.png: there is no such file/);
  assert.match(stderr, /2 pictures could not be read/);
});

for (const [what, flags, code, says] of [
  ['an unknown class', ['--class', 'slanted'], 2, /no class "slanted"; its classes are level, upright\./],
  ['a missing checkpoint', ['--checkpoint', 'elsewhere'], 1, /elsewhere holds no checkpoint/],
  ['an output folder that is a file', ['--output', 'config.ts'], 1, /config\.ts cannot be created/],
] as const) {
  test(`${what}: one line, exit code ${code}, nothing drawn`, async () => {
    writeFileSync(join(folder, 'config.ts'), 'export default {}');
    const drawn = existsSync(join(folder, 'explained')) ? readdirSync(join(folder, 'explained')) : [];
    const run = await cli(folder, 'explain', 'unseen/level/3.png', ...flags);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.equal(run.stdout, '');
    assert.doesNotMatch(run.stderr, /\n\s+at /);
    assert.deepEqual(
      existsSync(join(folder, 'explained')) ? readdirSync(join(folder, 'explained')) : [],
      drawn,
    );
  });
}
