/** Networks from elsewhere, exported to every format: each answers the same there, and when it is imported again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium as chromiumBrowser } from 'playwright-core';
import sharp from 'sharp';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { type Format, formats, type Network } from '../../src/formats/index.ts';
import { chromium, withoutChromium } from '../helpers/chromium.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { hangs } from '../helpers/hangs.ts';
import { compare, logitsOf, picturesFor } from '../helpers/network.ts';
import { inside } from '../helpers/network_cases.ts';
import { type Asked, askPython } from '../helpers/other_side.ts';
import { python, withoutPackage } from '../helpers/python.ts';
import { assertRefused } from '../helpers/refused.ts';
import { serveFolder } from '../helpers/static_server.ts';
import { openTfjsPage } from '../helpers/tfjs_page.ts';

const names = [
  'mobilenet_v2',
  'mobilenet_v3_small',
  'mnasnet1_0',
  'squeezenet1_1',
  'googlenet',
  'densenet121',
  'efficientnet_b0',
  'efficientnet_lite0',
  'regnet_y_400mf',
  'resnet18',
];
const ofKeras = ['MobileNetV2', 'EfficientNetB0'];

/** The script that runs a format's own program; null: nothing runs it, because it holds weights alone. */
const runtimes: Record<string, string | null> = {
  onnx: '../formats/onnx/run.py',
  keras: '../formats/keras/run.py',
  tflite: '../formats/tflite/run.py',
  'saved-model': 'run_tensorflow.py',
  'tf-checkpoint': 'run_tensorflow.py',
  tfjs: 'in a browser',
  safetensors: null,
};

const skip =
  withoutPackage('torch', 'torchvision', 'timm', 'onnxruntime', 'keras', 'tensorflow') || withoutChromium();
const folder = temporaryFolder();
const networks = new Map<string, Network>();
const side = 64;
/**
 * In Keras's EfficientNetB0 with random weights rounding grows: its own answers in float32 differ by up to 6e-6 of the
 * spread from those in float64.
 */
const toleranceOf = (name: string) => (name === 'EfficientNetB0' ? 3e-5 : 1e-5);

/** Why a format cannot hold a network, which the message names. */
const refusals: Record<string, Record<string, RegExp>> = {
  tfjs: {
    regnet_y_400mf: /TensorFlow\.js has no grouped convolutions, which conv4 needs/,
  },
};

before(async () => {
  if (skip) return;
  const run = (script: string, ...given: string[]) =>
    execFileSync(python, [fileURLToPath(new URL(script, import.meta.url)), folder, ...given], {
      stdio: 'ignore',
    });
  run('round_trips.py', String(side), ...names);
  run('keras_networks.py', '3', '.keras', ...ofKeras);
  await startEngine('wasm', { threads: 2 });
  for (const name of names) networks.set(name, (await importNetwork(join(folder, `${name}.onnx`))).network);
  for (const name of ofKeras) {
    const file = join(folder, `${name}.keras`);
    networks.set(name, (await importNetwork(file, { preprocessing: { scale: 1 } })).network);
  }
});

/** Exports the networks that a format can hold. */
async function exportTo(format: string): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const [name, network] of networks) {
    const file = join(folder, `${name}-${format}`, (formats[format] as Format).output);
    const exported = exportNetwork(network, formats[format] as Format, file, inside);
    const refusal = refusals[format]?.[name];
    if (refusal) await assertRefused(exported, refusal);
    else {
      await exported;
      asked.push({ name, network, options: inside, pixels: picturesFor(network.model, 2), file });
    }
  }
  return asked;
}

/** Graphs for inference, which have no dropout. */
const graphs = ['saved-model', 'tf-checkpoint'];

/** The layers without their names, which follow from the order that a format has them in; with numbers as float32. */
function kindsOf({ layers }: Network, format: string): string[] {
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.fround(value) : value);
  return layers
    .filter(({ kind }) => kind !== 'dropout' || !graphs.includes(format))
    .map(({ kind, inputShape, attributes }) => JSON.stringify([kind, inputShape, attributes], rounded))
    .sort();
}

/** What TensorFlow.js answers in a browser. */
async function askBrowser(asked: Asked[]): Promise<{ logits: number[][] }[]> {
  const { page, close } = await openTfjsPage(asked.map(({ file }) => file));
  const answers: { logits: number[][] }[] = [];
  for (const [index, { network, pixels }] of asked.entries()) {
    const { height, width, channels } = network.model;
    const question = `(async () => {
      const model = await tf.loadLayersModel('/${index}/model.json');
      const pictures = tf.tensor4d([${pixels}], [2, ${height}, ${width}, ${channels}]);
      return { logits: await model.predict(pictures).array() };
    })()`;
    answers.push((await page.evaluate(question)) as { logits: number[][] });
  }
  await close();
  return answers;
}

for (const [format, runtime] of Object.entries(runtimes)) {
  test(`networks exported as ${format} answer the same there, and imported again`, { skip }, async () => {
    const asked = await exportTo(format);
    const own = asked.map(({ network, pixels }) => logitsOf(network, pixels));
    const ask = () =>
      format === 'tfjs'
        ? askBrowser(asked)
        : askPython<{ logits: number[][] }>(new URL(runtime as string, import.meta.url), asked);
    const answers = runtime === null ? [] : await ask();
    const wrong: string[] = [];
    for (const [index, { name, network, pixels, file }] of asked.entries()) {
      const logits = own[index] as number[][];
      const check = (what: string, theirs: number[][]) => {
        const { difference, spread } = compare(logits, theirs);
        if (!(difference <= toleranceOf(name) * spread))
          wrong.push(`${name} ${what}: ${difference} of ${spread}`);
      };
      if (runtime !== null) check('there', answers[index]?.logits ?? []);
      if (formats[format]?.import) {
        const { network: again } = await importNetwork(file);
        check('imported again', logitsOf(again, pixels));
        assert.deepEqual(
          kindsOf(again, format),
          kindsOf(network, format),
          `${name} has other layers when it is imported again`,
        );
      }
    }
    assert.deepEqual(wrong, []);
  });
}

/** Logits up to what they all share, which a softmax takes off. */
const centred = (row: number[]) =>
  row.map((value) => value - row.reduce((sum, one) => sum + one, 0) / row.length);

test('networks exported as a page answer the same in a browser', { skip }, async () => {
  const built = await import(new URL('../../dist/src/index.js', import.meta.url).href);
  const browser = await chromiumBrowser.launch({
    executablePath: chromium,
    args: ['--no-sandbox', '--disable-gpu'],
    timeout: hangs,
  });
  const wrong: string[] = [];
  for (const name of ['mobilenet_v3_small', 'efficientnet_lite0', 'MobileNetV2']) {
    const network = networks.get(name) as Network;
    const target = join(folder, `${name}-page`);
    await built.exportNetwork(network, built.formats.web, target, inside);
    const { width, height, classes } = network.model;
    const pixels = picturesFor(network.model, 1);
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(target, 'picture.png'));
    const server = await serveFolder(target, '/');
    const page = await browser.newPage();
    page.setDefaultTimeout(hangs);
    await page.goto(server.address);
    const answered = (await page.evaluate(`(async () => {
      const { answer } = await import('${server.address}answer.js');
      const picture = await (await fetch('${server.address}picture.png')).blob();
      return (await answer(picture, { heatMap: false })).classes;
    })()`)) as { label: string; probability: number }[];
    const theirs = classes.map((label) =>
      Math.log(answered.find((one) => one.label === label)?.probability ?? Number.NaN),
    );
    const own = logitsOf(network, pixels).map(centred);
    const { difference, spread } = compare(own, [centred(theirs)]);
    if (!(difference <= toleranceOf(name) * spread)) wrong.push(`${name}: ${difference} of ${spread}`);
    server.close();
  }
  await browser.close();
  assert.deepEqual(wrong, []);
});
