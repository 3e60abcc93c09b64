/** Networks of torchvision and timm, as PyTorch's two exporters write them: each answers here as it does there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EngineName, startEngine } from '../../src/engine/index.ts';
import { importNetwork } from '../../src/formats/import.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { compare, logitsOf } from '../helpers/network.ts';
import { python, withoutPackage } from '../helpers/python.ts';
import { assertTable } from './table.ts';

const names = [
  'mobilenet_v2',
  'mobilenet_v3_small',
  'mobilenet_v3_large',
  'mnasnet1_0',
  'squeezenet1_1',
  'googlenet',
  'densenet121',
  'efficientnet_b0',
  'efficientnet_lite0',
  'regnet_y_400mf',
  'resnet18',
  'resnet50',
  'alexnet',
  'vgg11',
];

interface Exported {
  file: string;
  exporter: 'old' | 'new';
  folded: boolean;
  open: boolean;
  external: boolean;
  opset: number | null;
}

interface Made {
  side: number;
  logits: number[][];
  files: Exported[];
}

const folder = temporaryFolder();
const made = new Map<string, Made>();
/** What the table says of each network. */
const found = new Map<string, Record<Exported['exporter'], string>>();

const skip = withoutPackage('torch', 'torchvision', 'timm', 'onnxscript');

before(() => {
  if (skip) return;
  const [script, photograph] = ['export_onnx.py', '../../docs/images/augment-preview.jpg'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  const printed = execFileSync(python, [script, folder, photograph, ...names], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
  for (const [name, one] of Object.entries(JSON.parse(printed))) made.set(name, one as Made);
});

/** The largest difference to PyTorch's logits, by their spread. */
async function differenceOf(name: string, { file }: Exported, engine: EngineName): Promise<number> {
  const { logits } = made.get(name) as Made;
  const running = await startEngine(engine, { threads: 2 });
  const { network } = await importNetwork(join(folder, file));
  const { difference, spread } = compare(
    logits,
    logitsOf(network, readFileSync(join(folder, `${name}.pixels`))),
  );
  await running.dispose();
  return difference / spread;
}

for (const name of names)
  test(`${name} answers as in PyTorch`, { skip }, async (t) => {
    const cells = { old: 'yes', new: 'yes' };
    for (const exported of made.get(name)?.files ?? [])
      for (const engine of ['wasm', 'native'] as const) {
        const difference = await differenceOf(name, exported, engine).catch((error: Error) => error);
        t.diagnostic(`${JSON.stringify(exported)} ${engine}: ${difference}`);
        if (typeof difference === 'number' && difference <= 1e-5) continue;
        const { file, ...options } = exported;
        cells[exported.exporter] =
          `no: ${difference instanceof Error ? difference.message : difference} ${JSON.stringify(options)}`;
      }
    found.set(name, cells);
    assert.deepEqual(cells, { old: 'yes', new: 'yes' });
  });

test('the table of networks says what was found', { skip }, () => {
  const rows = names.map((name) => [name, found.get(name)?.old ?? '', found.get(name)?.new ?? '']);
  assertTable('onnx', [
    ['network', 'exporter before (`dynamo=False`)', 'exporter of today (`dynamo=True`)'],
    ...rows,
  ]);
});
