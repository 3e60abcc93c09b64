import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { formats } from '../../src/formats/index.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, logitsOf, networkOf, picturesFor } from '../helpers/network.ts';

before(() => startEngine('wasm', { threads: 1 }));

test('x', async () => {
  const network = networkOf();
  const pictures = picturesFor(network.model, 4);
  const own = logitsOf(network, pictures);
  for (const [name, format] of Object.entries(formats)) {
    for (const weights of format.weights ?? ['float32']) {
      const target = join(temporaryFolder(), format.output);
      await exportNetwork(network, format, target, { weights, preprocessing: 'inside' });
      const back = await importNetwork(target, { size: network.model });
      assert.equal(back.format, name);
      assert.equal(back.network.model.architecture, 'article');
      assert.deepEqual(back.network.model, network.model);
      console.log(name, weights, compare(own, logitsOf(back.network, pictures)), back.network.preprocessing);
    }
  }
});
