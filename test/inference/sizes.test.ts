/**
 * Kernels for folded networks, on sizes that leave tiles, panels and bands incomplete: the answers of plain JavaScript,
 * layer by layer; and the same bits whatever the batch and the number of threads.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../src/formats/index.ts';
import { valuesOf } from '../../src/formats/network.ts';
import { createModel } from '../../src/models/model.ts';
import { computeOn, type Machine, machines } from '../engine/every_engine.ts';
import { foldedOutput, oddNetworks, randomPictures } from './odd_networks.ts';

/** The outputs of all layers by the slow engine, one after the other. */
const expected = new Map<string, { network: Network; outputs: Float32Array[] }>();

test('the reference: every layer in plain JavaScript', () =>
  computeOn({ engine: 'cpu', threads: 1 }, () => {
    for (const [name, network] of oddNetworks()) {
      const outputs: Float32Array[] = [];
      const model = createModel(network.model, { restored: valuesOf(network) });
      tf.tidy(() => {
        model.forward(randomPictures(network, 3), (_, output) => {
          outputs.push(output.dataSync() as Float32Array);
          return undefined;
        });
      });
      model.dispose();
      expected.set(name, { network, outputs });
    }
  }));

function assertClose(actual: Float32Array, right: Float32Array, what: string): void {
  assert.equal(actual.length, right.length, what);
  const largest = (values: Float32Array) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const scale = largest(right);
  assert.ok(scale > 0, `${what}: zeros test nothing`);
  const difference = largest(actual.map((value, index) => value - (right[index] as number)));
  assert.ok(difference <= 1e-5 * scale, `${what}: ${difference} of ${scale}`);
}

const isFast = ({ engine }: Machine) => engine !== 'cpu';

for (const machine of machines.filter(isFast))
  test(`every layer as the last: ${machine.engine}, threads: ${machine.threads}`, () =>
    computeOn(machine, () => {
      for (const [name, { network, outputs }] of expected) {
        const pictures = randomPictures(network, 3);
        for (const [index, right] of outputs.entries()) {
          const what = `${name}, ${network.layers[index]?.name}`;
          assertClose(foldedOutput(network, pictures, index + 1), right, what);
        }
        pictures.dispose();
      }
    }));

for (const machine of machines.filter(isFast))
  test(`a picture's answer has the same bits in any batch: ${machine.engine}, threads: ${machine.threads}`, () =>
    computeOn(machine, () => {
      for (const [name, { network }] of expected) {
        const pictures = randomPictures(network, 5);
        const all = foldedOutput(network, pictures);
        for (const [from, count] of [
          [0, 1],
          [4, 1],
          [1, 2],
          [2, 3],
        ] as const) {
          const some = tf.slice(pictures, from, count);
          const own = foldedOutput(network, some);
          assert.deepEqual(
            own,
            all.slice(from * 3, (from + count) * 3),
            `${name}, ${from} to ${from + count}`,
          );
        }
      }
    }));

/** In a process of its own, as the number of threads stays that of the first start. */
function digestWith(threads: number): string {
  const script = fileURLToPath(new URL('digest_process.ts', import.meta.url));
  return execFileSync(process.execPath, ['--import', 'tsx', script, String(threads)], { encoding: 'utf8' });
}

for (const _ of machines.filter(({ engine }) => engine === 'native'))
  test('one, two, three and seven threads give the same bits', () => {
    const one = digestWith(1);
    assert.match(one, /^[0-9a-f]{64}$/);
    for (const threads of [2, 3, 7]) assert.equal(digestWith(threads), one, `${threads} threads`);
  });
