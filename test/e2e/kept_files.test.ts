import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();

/** Every file below the folder and what it holds. */
function contents(): Record<string, string> {
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  return Object.fromEntries(
    files.map((file) => {
      const path = join(folder, file);
      return [file, statSync(path).isFile() ? readFileSync(path, 'latin1') : ''];
    }),
  );
}

before(async () => {
  await writeRawData(folder);
  for (const name of ['data', 'checkpoints', 'masks']) mkdirSync(join(folder, name));
  symlinkSync('rawdata', join(folder, 'pictures'));
});

const picture = 'rawdata/animal/bat.png';

for (const [args, says] of [
  ['train --data rawdata', /--data rawdata is the folder of the raw pictures \(rawdata\)/],
  ['train --data pictures/new/deeper', /--data pictures\/new\/deeper lies in the raw pictures/],
  ['train --data .', /--data \. holds the raw pictures/],
  ['train --checkpoints rawdata/runs', /--checkpoints rawdata\/runs lies in the raw pictures/],
  ['train --checkpoints data/runs', /--checkpoints data\/runs lies in --data data/],
  ['train --raw-data .', /--data data lies in the raw pictures \(\.\)/],
  ['lr-find --data rawdata', /--data rawdata is/],
  ['resize --raw-data . --data ../elsewhere', /--checkpoints checkpoints lies in the raw pictures/],
  ['import model.onnx --checkpoints rawdata', /--checkpoints rawdata is/],
  ['augment --raw-data .', /--raw-data \. holds data, which would be a class/],
  ['check --raw-data .', /--raw-data \. holds data, which would be a class/],
  ['collect bat --from urls.txt --raw-data .', /--raw-data \. holds data, which would be a class/],
  [`augment --preview ${picture}`, /--preview .*bat\.png lies in the pictures of rawdata/],
  ['augment --preview data/animal/sheet.png', /lies in the pictures of data/],
  ['augment --masks pictures/masks', /--masks pictures\/masks lies in the raw pictures/],
  ['augment --clean --masks .', /--masks \. holds the raw pictures/],
  ['check --quarantine pictures/bad', /--quarantine pictures\/bad lies in/],
  [`check --html ${picture}`, /--html .* lies in the pictures of rawdata/],
  [`report --output ${picture}`, /--output .* lies in the pictures of rawdata/],
  [`explain ${picture} --output rawdata/animal`, /--output .* lies in the pictures of rawdata/],
  ['export --format onnx --output pictures/model.onnx', /--output .* lies in the pictures of rawdata/],
  [`predict ${picture} --copy-to rawdata`, /--copy-to rawdata lies in the pictures of rawdata/],
  [`predict ${picture} --move-to pictures`, /--move-to pictures lies in the pictures of rawdata/],
] as const) {
  test(`${args}: one line, and every file is as it was`, async () => {
    const files = contents();
    const { code, stdout, stderr } = await cli(folder, ...args.split(' '));
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /^bat-sup: [^\n]+\n$/);
    assert.equal(stdout, '');
    assert.deepEqual(contents(), files);
  });
}
