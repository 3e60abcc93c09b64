/** Networks from elsewhere, exported to every format: each answers the same there, and when it is imported again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { type Format, formats, type Network } from '../../src/formats/index.ts';
import { withoutChromium } from '../helpers/chromium.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, logitsOf, picturesFor } from '../helpers/network.ts';
import { inside } from '../helpers/network_cases.ts';
import { type Asked, askPython } from '../helpers/other_side.ts';
import { python, withoutPackage } from '../helpers/python.ts';
import { assertRefused } from '../helpers/refused.ts';
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
const tolerance = 1e-5;

/** Why a format cannot hold a network, which the message names. */
const refusals: Record<string, Record<string, RegExp>> = {
  tfjs: {
    regnet_y_400mf: /TensorFlow\.js has no grouped convolutions, which conv4 needs/,
  },
};

before(async () => {
  if (skip) return;
  const script = fileURLToPath(new URL('round_trips.py', import.meta.url));
  execFileSync(python, [script, folder, String(side), ...names], { stdio: ['ignore', 'ignore', 'ignore'] });
  await startEngine('wasm', { threads: 2 });
  for (const name of names) networks.set(name, (await importNetwork(join(folder, `${name}.onnx`))).network);
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

/** The layers without their names, which follow from the order that a format has them in. */
function kindsOf({ layers }: Network): string[] {
  return layers
    .map(({ kind, inputShape, attributes }) => JSON.stringify([kind, inputShape, attributes]))
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
        if (!(difference <= tolerance * spread)) wrong.push(`${name} ${what}: ${difference} of ${spread}`);
      };
      if (runtime !== null) check('there', answers[index]?.logits ?? []);
      if (formats[format]?.import) {
        const { network: again } = await importNetwork(file);
        check('imported again', logitsOf(again, pixels));
        assert.deepEqual(
          kindsOf(again),
          kindsOf(network),
          `${name} has other layers when it is imported again`,
        );
      }
    }
    assert.deepEqual(wrong, []);
  });
}
