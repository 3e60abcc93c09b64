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
for (const architecture of ['article', 'deep', 'residual'] as const)
  for (const name of ['keras','tfjs','onnx','safetensors'])
    test(`${architecture} ${name}`, async () => {
      const format = formats[name]!;
      const network = networkOf({ architecture, width: 36, height: 28, channels: 3, classes: ['a', 'b'] });
      const pictures = picturesFor(network.model, 4);
      const own = logitsOf(network, pictures);
      const target = join(temporaryFolder(), format.output);
      await exportNetwork(network, format, target, { weights: 'float32', preprocessing: 'inside' });
      const back = await importNetwork(target, { size: network.model });
      console.log(name, compare(own, logitsOf(back.network, pictures)), back.network.preprocessing, back.network.model.architecture);
    });
