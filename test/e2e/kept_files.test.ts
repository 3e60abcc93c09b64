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
  ['train --data pictures/new/deeper', /--data pictures\/new\/deeper is inside the raw pictures/],
  ['train --data .', /--data \. contains the raw pictures/],
  ['train --checkpoints rawdata/runs', /--checkpoints rawdata\/runs is inside the raw pictures/],
  ['train --checkpoints data/runs', /--checkpoints data\/runs is inside --data data/],
  ['train --raw-data .', /--data data is inside the raw pictures \(\.\)/],
  ['lr-find --data rawdata', /--data rawdata is/],
  ['resize --raw-data . --data ../elsewhere', /--checkpoints checkpoints is inside the raw pictures/],
  ['import model.onnx --checkpoints rawdata', /--checkpoints rawdata is/],
  ['augment --raw-data .', /--raw-data \. contains data, which would become a class/],
  ['check --raw-data .', /--raw-data \. contains data, which would become a class/],
  ['collect bat --from urls.txt --raw-data .', /--raw-data \. contains data, which would become a class/],
  [`augment --preview ${picture}`, /--preview .*bat\.png is inside the pictures of rawdata/],
  ['augment --preview data/animal/sheet.png', /is inside the pictures of data/],
  ['augment --masks pictures/masks', /--masks pictures\/masks is inside the raw pictures/],
  ['augment --clean --masks .', /--masks \. contains the raw pictures/],
  ['check --quarantine pictures/bad', /--quarantine pictures\/bad is inside/],
  [`check --html ${picture}`, /--html .* is inside the pictures of rawdata/],
  [`report --output ${picture}`, /--output .* is inside the pictures of rawdata/],
  [`explain ${picture} --output rawdata/animal`, /--output .* is inside the pictures of rawdata/],
  ['export --format onnx --output pictures/model.onnx', /--output .* is inside the pictures of rawdata/],
  [`predict ${picture} --copy-to rawdata`, /--copy-to rawdata is inside the pictures of rawdata/],
  [`predict ${picture} --move-to pictures`, /--move-to pictures is inside the pictures of rawdata/],
] as const) {
  test(`${args}: one line, and every file is unchanged`, async () => {
    const files = contents();
    const { code, stdout, stderr } = await cli(folder, ...args.split(' '));
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /^bat-sup: [^\n]+\n$/);
    assert.equal(stdout, '');
    assert.deepEqual(contents(), files);
  });
}
