/** Networks that the real TensorFlow.js saved in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Download } from 'playwright-core';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { withoutChromium } from '../../helpers/chromium.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { openTfjsPage, type TfjsPage } from '../../helpers/tfjs_page.ts';

let opened: TfjsPage | undefined;

before(() => startEngine('wasm', { threads: 1 }));
after(() => opened?.close());

/** Each makes a network as users of TensorFlow.js write it. */
const networks: Record<string, string> = {
  sequential: `tf.sequential({ layers: [
    tf.layers.conv2d({ inputShape: [32, 32, 3], filters: 4, kernelSize: 3, activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.batchNormalization(),
    tf.layers.flatten(),
    tf.layers.dropout({ rate: 0.2 }),
    tf.layers.dense({ units: 3 }),
  ] })`,
  functional: `(() => {
    const pictures = tf.input({ shape: [32, 32, 3] });
    const maps = tf.layers.conv2d({ filters: 4, kernelSize: 5, strides: 2, padding: 'same', useBias: false }).apply(pictures);
    const more = tf.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }).apply(maps);
    const sum = tf.layers.reLU().apply(tf.layers.add().apply([maps, more]));
    const averages = tf.layers.globalAveragePooling2d({}).apply(sum);
    return tf.model({ inputs: pictures, outputs: tf.layers.dense({ units: 2 }).apply(averages) });
  })()`,
};
const pixels = Uint8Array.from({ length: 2 * 32 * 32 * 3 }, (_, index) => (index * 37) % 256);

test('what TensorFlow.js saved answers here as there', { skip: withoutChromium() }, async () => {
  const folder = temporaryFolder();
  opened = await openTfjsPage();
  const { page } = opened;
  for (const [name, made] of Object.entries(networks)) {
    const downloads: Download[] = [];
    const both = new Promise<void>((resolve) => {
      page.on('download', (download) => {
        if (downloads.push(download) === 2) resolve();
      });
    });
    const answers = await page.evaluate(`(async () => {
      const model = ${made};
      await model.save('downloads://${name}');
      return model.predict(tf.div(tf.tensor4d([${pixels}], [2, 32, 32, 3]), 255)).array();
    })()`);
    await both;
    for (const download of downloads) await download.saveAs(join(folder, download.suggestedFilename()));
    page.removeAllListeners('download');
    const { network, format } = await importNetwork(join(folder, `${name}.json`));
    assert.equal(format, 'tfjs');
    const { difference, spread } = compare(answers as number[][], logitsOf(network, pixels));
    assert.ok(difference <= 1e-5 * spread, `${name}: ${difference} of ${spread}`);
  }
});
