/** config.ts documents every setting, as the table of settings has it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { configFile } from '../../src/config/config_file.ts';
import { type Config, settingNames, settingsInForce, valuesOf } from '../../src/config/index.ts';
import { temporaryFolder } from '../helpers/folder.ts';

test('config.ts at the root equals the one generated from the table of settings', () => {
  const file = readFileSync(new URL('../../config.ts', import.meta.url), 'utf8');
  assert.equal(file, configFile(), 'config.ts is out of date; run "npm run config"');
});

test('each setting has its default, and a comment with its meaning and its values', () => {
  for (const name of settingNames)
    assert.match(configFile(), new RegExp(`^ {2}// .*\\.\\n {2}(// )?${name}: .+,$`, 'm'));
});

test('config.ts as it comes changes no setting, with any recipe', async () => {
  const folder = temporaryFolder();
  await writeFile(join(folder, 'config.ts'), configFile());
  const valuesIn = async (flags: Config, where: string) =>
    valuesOf(await settingsInForce(flags, { folder: where, environment: {} }));
  for (const recipe of ['article', 'best'] as const)
    for (const pretrained of ['off', 'efficientnet-lite1'] as const)
      assert.deepEqual(
        await valuesIn({ recipe, pretrained }, folder),
        await valuesIn({ recipe, pretrained }, temporaryFolder()),
      );
});
