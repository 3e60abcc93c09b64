import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { formats } from '../../src/formats/index.ts';
import { fittingOf } from '../../src/models/preprocessing.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, logitsOf, picturesFor } from '../helpers/network.ts';
import { inside, networkCases, outside } from '../helpers/network_cases.ts';
import { rgbNormalisation } from '../helpers/other_side.ts';

before(() => startEngine('wasm', { threads: 1 }));

const importable = ['keras', 'onnx', 'safetensors', 'tfjs'] as const;

for (const name of importable) {
  test(`what is exported as ${name} is recognised and imported the same`, async () => {
    const folder = temporaryFolder();
    for (const [which, network] of networkCases()) {
      const format = formats[name] as (typeof formats)[string];
      const target = join(folder, which, format.output);
      await exportNetwork(network, format, target, format.preprocessing ? outside : inside);
      const back = await importNetwork(target);
      assert.equal(back.format, name);
      assert.deepEqual(back.network.model, network.model, which);
      const pictures = picturesFor(network.model, 2);
      const { difference, spread } = compare(logitsOf(network, pictures), logitsOf(back.network, pictures));
      // Colours in another order are summed up in another order.
      assert.ok(difference <= (network.preprocessing.order === 'bgr' ? 1e-6 * spread : 0), which);
      assert.equal(back.network.temperature, network.temperature);
      const { fit, ...resampling } = fittingOf(network.preprocessing);
      const read = { fit, ...rgbNormalisation(network), ...resampling };
      assert.deepEqual(back.network.preprocessing, read);
    }
  });
}
