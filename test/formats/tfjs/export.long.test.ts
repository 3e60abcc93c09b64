/** The exports opened by the real TensorFlow.js in a real browser. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { withoutChromium } from '../../helpers/chromium.ts';
import { compare, logitsOf } from '../../helpers/network.ts';
import { inside, networkCases, outside } from '../../helpers/network_cases.ts';
import { type Asked, exportAll, outsideOf } from '../../helpers/other_side.ts';
import { openTfjsPage, type TfjsPage } from '../../helpers/tfjs_page.ts';

const skip = withoutChromium();
/** The greatest difference from bat-sup's logits, as a share of their spread. */
const tolerances = { float32: 1e-5, float16: 2e-3, int8: 0.05 };

let opened: TfjsPage | undefined;

before(() => startEngine('wasm', { threads: 1 }));
after(() => opened?.close());

/** As a string: what tsx makes of a function calls helpers that the browser does not have. */
function question(index: number, { network: { model, preprocessing }, options, pixels }: Asked): string {
  const shape = [3, model.height, model.width, model.channels];
  const { scale, mean, deviation } = outsideOf({ model, preprocessing }, options);
  return `(async () => {
    const model = await tf.loadLayersModel('/${index}/model.json');
    const scaled = tf.mul(tf.tensor4d([${pixels}], [${shape}]), ${scale ?? 1});
    const pictures = tf.div(tf.sub(scaled, ${JSON.stringify(mean)}), ${JSON.stringify(deviation)});
    const classes = model.getUserDefinedMetadata()['bat-sup'].classes;
    return { logits: await model.predict(pictures).array(), classes };
  })()`;
}

test('TensorFlow.js answers the same in a browser', { skip }, async (t) => {
  const ways = [inside, outside, { ...inside, weights: 'float16' }, { ...inside, weights: 'int8' }] as const;
  const asked = await exportAll('tfjs', networkCases(), [...ways]);
  opened = await openTfjsPage(asked.map(({ file }) => file));
  const { page } = opened;
  for (const [index, one] of asked.entries()) {
    const { logits, classes } = (await page.evaluate(question(index, one))) as {
      logits: number[][];
      classes: string[];
    };
    const { difference, spread } = compare(logitsOf(one.network, one.pixels), logits);
    t.diagnostic(`${one.name}: ${difference} of ${spread}`);
    assert.ok(
      difference <= tolerances[one.options.weights] * spread,
      `${one.name}: ${difference} of ${spread}`,
    );
    assert.deepEqual(classes, one.network.model.classes);
  }
});
