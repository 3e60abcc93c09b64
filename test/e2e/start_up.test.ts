/** What a cold start costs is what it loads. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin } from '../helpers/bin.ts';
import { saveNetwork } from '../helpers/checkpoint.ts';
import { finish } from '../helpers/cli.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { articleDescription } from '../helpers/network.ts';

/** Runs before the command, and tells every module that is imported on stderr. */
const hooks = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  writeSync(2, 'loads ' + url + '\\n');
  return next(url, context);
}`;
const asModule = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
const watcher = asModule(
  `import { register } from 'node:module'; register(${JSON.stringify(asModule(hooks))});`,
);

test('predict loads for a JPEG only the modules it needs', async () => {
  const folder = temporaryFolder();
  await saveNetwork(join(folder, 'checkpoints', 'run-001'), articleDescription);
  await emoji('bat').jpeg().toFile(join(folder, 'bat.jpg'));
  const run = await finish(
    spawn(process.execPath, ['--import', watcher, bin, 'predict', 'bat.jpg', '--engine', 'wasm'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  assert.equal(run.code, 0, run.stderr);
  const loaded = run.stderr
    .split('\n')
    .flatMap((line) => /^loads file:.*?\/(dist|node_modules)\/(.+)$/.exec(line)?.[2] ?? []);
  const packages = new Set(
    loaded.filter((file) => !/^(src|bin)\//.test(file)).map((file) => file.split('/')[0]),
  );
  assert.deepEqual([...packages].sort(), ['commander', 'seedrandom']);
  const folders = new Set(loaded.flatMap((file) => /^src\/(\w+)\//.exec(file)?.[1] ?? []));
  for (const unused of [
    'augment',
    'check',
    'collect',
    'dataset',
    'evaluation',
    'explain',
    'formats',
    'report',
    'serve',
    'training',
  ])
    assert.ok(!folders.has(unused), unused);
  const commands = loaded.filter((file) =>
    /^src\/cli\/(train|serve|augment|evaluate|explain|export|collect|check|setup)\./.test(file),
  );
  assert.deepEqual(commands, []);
  assert.ok(loaded.some((file) => file.startsWith('src/predict/')));
});
