/** Importing a large network takes a few times its size, whatever the format: the peak of a process says so. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../../src/engine/index.ts';
import { exportNetwork } from '../../../src/formats/export.ts';
import { type Format, formats, type Network } from '../../../src/formats/index.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { articleDescription, networkOf } from '../../helpers/network.ts';
import { inside } from '../../helpers/network_cases.ts';

const folder = temporaryFolder();
const script = fileURLToPath(new URL('peak.ts', import.meta.url));
const classes = (count: number) => Array.from({ length: count }, (_, index) => `class ${index}`);
/** More classes mean more channels: 11 and 45 MB. */
const description = { ...articleDescription, architecture: 'residual', width: 96, height: 96 } as const;
let networks: Record<'small' | 'large', Network>;

before(async () => {
  await startEngine('wasm', { threads: 1 });
  networks = {
    small: networkOf({ ...description, classes: classes(3) }),
    large: networkOf({ ...description, classes: classes(300) }),
  };
});

const sizeOf = ({ weights }: Network) =>
  [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);

async function peakOf(name: string, size: 'small' | 'large'): Promise<number> {
  const format = formats[name] as Format;
  const source = join(folder, name, size, format.output);
  await exportNetwork(networks[size], format, source, inside);
  const loader = ['--import', 'tsx', script];
  const peak = (run: number) =>
    Number(execFileSync(process.execPath, [...loader, source, `${source}-run-${run}`], { encoding: 'utf8' }));
  // When memory is collected is up to the machine: the least of three is what the import needs.
  return Math.min(...[1, 2, 3].map(peak));
}

// What both networks take is the program's.
for (const name of ['onnx', 'keras', 'tfjs', 'saved-model', 'tf-checkpoint', 'safetensors'])
  test(`a network that is larger by some bytes takes at most three times as many more as ${name}`, async (t) => {
    const more = (await peakOf(name, 'large')) - (await peakOf(name, 'small'));
    const ratio = more / (sizeOf(networks.large) - sizeOf(networks.small));
    t.diagnostic(`${name}: ${ratio.toFixed(2)}`);
    assert.ok(ratio <= 3, `${ratio} times`);
  });
