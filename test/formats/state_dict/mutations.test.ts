/** state_dicts whose tensors do not fit each other in hundreds of ways: each is imported, or refused in one line. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { sizeOf } from '../../../src/tensors/shape.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { mutations } from '../../helpers/mutations.ts';
import { pickledState, writeArchive } from '../../helpers/pytorch_file.ts';
import { liteShapes, norm, resnetShapes, type Shapes } from '../../helpers/state_shapes.ts';

const folder = temporaryFolder();
const { below, oneOf, numbers } = mutations(5);

/** Lengths that are extreme, or those of other axes. */
const lengths = [0, 1, 2, 3, 4, 5, 7, 12, -1, 2 ** 20, 2 ** 31, 2 ** 40, 2 ** 53];
/** Names that say more, or something else, than the others. */
const names = [
  '',
  '__proto__',
  'layer4.1.conv1.weight',
  'layer1.1000000000.conv1.weight',
  'layer99999.0.conv1.weight',
  'blocks.0.1.conv_dw.weight',
  'blocks.1000000000.0.conv_dw.weight',
  'classifier.weight',
  'fc.weight',
  'module.conv1.weight',
];

/** The shapes with another one somewhere, under another name, missing, or more of them. */
function mutated(shapes: Shapes): Shapes {
  const [name, shape] = oneOf(Object.entries(shapes));
  const { [name]: _, ...others } = shapes;
  const at = below(shape.length || 1);
  switch (below(7)) {
    case 0:
      return others;
    case 1:
      return { ...others, [oneOf(names)]: shape };
    case 2:
      return { ...shapes, [oneOf(names)]: oneOf(Object.values(shapes)) };
    case 3:
      return { ...shapes, [name]: shape.toSpliced(at, below(2), oneOf(lengths)) };
    case 4:
      return { ...shapes, [name]: shape.toReversed() };
    case 5:
      return { ...shapes, ...norm(oneOf(names), oneOf(lengths.slice(0, 8))) };
    default:
      return { ...shapes, [name]: shape.map((length, axis) => (axis === at ? oneOf(lengths) : length)) };
  }
}

const values = Buffer.from(Float32Array.from({ length: 4096 }, () => numbers.next().value as number).buffer);

/** All tensors are views of one storage, some of them with a single number again and again. */
function asPyTorch(shapes: Shapes): Buffer {
  const isRepeated = below(4) === 0;
  const tensor = (shape: number[]) => ({
    storage: '0',
    length: 4096,
    shape,
    ...(isRepeated && sizeOf(shape) > 4096 && { strides: shape.map(() => 0) }),
  });
  const tensors = Object.entries(shapes).map(([name, shape]) => [name, tensor(shape)] as const);
  return writeArchive(pickledState(Object.fromEntries(tensors)), { 0: values });
}

function asSafetensors(shapes: Shapes): Buffer {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += below(50) === 0 ? oneOf(lengths) : 4 * sizeOf(shape);
    return [name, { dtype: oneOf(['F32', 'F32', 'F32', 'F32', 'F16']), shape, data_offsets: [start, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bytes = end > 0 && end <= 2 ** 20 ? end : 4096;
  return Buffer.concat([length, header, Buffer.alloc(bytes, values)]);
}

/** @returns whether it was imported. */
async function importOrRefuse(file: string): Promise<boolean> {
  try {
    await importNetwork(file);
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError, (error as Error).stack);
    assert.ok(!error.message.includes('\n') && error.message.length < 1000, error.message);
    return false;
  }
}

for (const [ending, write] of [
  ['pth', asPyTorch],
  ['safetensors', asSafetensors],
] as const)
  for (const shapes of [resnetShapes(), liteShapes()])
    test(`a .${ending} file of ${Object.keys(shapes).length} tensors, some of which do not fit`, async () => {
      const file = join(folder, `net.${ending}`);
      const before = process.memoryUsage().rss;
      let imported = 0;
      for (let time = 0; time < 300; time++) {
        const once = mutated(shapes);
        writeFileSync(file, write(below(3) === 0 ? mutated(once) : once));
        if (await importOrRefuse(file)) imported++;
      }
      assert.ok(imported < 200, String(imported));
      assert.ok(process.memoryUsage().rss - before < 5e8);
    });

test('what was not damaged is imported', async () => {
  const file = join(folder, 'whole.pth');
  writeFileSync(file, asPyTorch(resnetShapes()));
  assert.ok(await importOrRefuse(file));
});
