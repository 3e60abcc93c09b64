/** Files that PyTorch itself writes: what we read is what torch.load reads. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import { readPyTorch } from '../../../src/formats/pytorch/read.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { runPython, withoutPackage } from '../../helpers/python.ts';

const skip = withoutPackage('torch');
const folder = temporaryFolder();
let wanted: Record<string, Record<string, { shape: number[]; values: number[] }>>;
let refused: Record<string, string>;

before(() => {
  if (!skip) ({ wanted, refused } = runPython(new URL('write_files.py', import.meta.url), folder));
});

const read = (name: string) => readPyTorch(readFileSync(join(folder, name)), name);

test('every tensor of every file is what torch.load reads', { skip }, () => {
  assert.ok(Object.keys(wanted).length > 40);
  for (const [name, tensors] of Object.entries(wanted)) {
    const found = read(name);
    assert.deepEqual([...found.keys()], Object.keys(tensors), name);
    for (const [key, { shape, values }] of Object.entries(tensors)) {
      const tensor = found.get(key)?.read();
      assert.deepEqual(tensor?.shape, shape, `${name} ${key}`);
      assert.deepEqual([...(tensor?.values ?? [])], values, `${name} ${key}`);
    }
  }
});

test('what bat-sup does not read is refused in one line that names it', { skip }, () => {
  for (const [name, why] of Object.entries(refused))
    assert.throws(
      () => [...read(name).values()].map((tensor) => tensor.read()),
      (error) => {
        assert.ok(error instanceof UserError, `${name}: ${(error as Error).stack}`);
        assert.ok(error.message.includes(why), `${name}: ${error.message}`);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
});
