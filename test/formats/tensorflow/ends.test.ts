import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { exportNetwork } from '../../../src/formats/export.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { type Format, formats } from '../../../src/formats/index.ts';
import { modelTools, NetworkPlan } from '../../../src/layers/index.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { articleDescription, compare, logitsOf, networkOf, picturesFor } from '../../helpers/network.ts';

before(() => startEngine('wasm', { threads: 1 }));

for (const name of ['saved-model', 'tf-checkpoint'])
  test(`a ${name} whose last layers have no weights, as in SqueezeNet, is imported again`, async () => {
    const plan = new NetworkPlan();
    const tools = modelTools(plan);
    const convolution = { kernel: 3, inputChannels: 3, outputChannels: 3, stride: 2 };
    const maps = tools.activationLayer(tools.convLayer({ shape: [-1, 28, 20, 3] }, convolution));
    tools.globalAveragePoolingLayer(maps);
    const network = networkOf({ ...articleDescription, architecture: 'layers', layers: plan.layers });
    const target = join(temporaryFolder(), name);
    await exportNetwork(network, formats[name] as Format, target);
    const { network: again } = await importNetwork(target);
    assert.deepEqual(again.layers, network.layers);
    const pictures = picturesFor(network.model, 2);
    assert.equal(compare(logitsOf(network, pictures), logitsOf(again, pictures)).difference, 0);
  });
