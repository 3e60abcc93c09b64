/** Help, its examples, the version, and what is answered to mistyped words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.ts';
import { packageVersion } from '../../src/system/version.ts';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();

/** A command and all below it, with the words that it is called by. */
function* all(command: Command, path: string[]): Generator<[path: string[], command: Command]> {
  for (const one of command.commands) {
    yield [[...path, one.name()], one];
    yield* all(one, [...path, one.name()]);
  }
}

/** A line as a shell reads it, without what goes into a file. */
function wordsOf(line: string): string[] {
  const command = line.replace(/ > .*/, '');
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => (quoted ?? plain) as string);
}

/** Parses a line without doing what it says. @returns the words of the command that would run. */
async function parse(line: string): Promise<string[]> {
  const [program, ...words] = wordsOf(line);
  assert.equal(program, 'bat-sup');
  const root = await createProgram();
  let called: string[] | undefined;
  for (const [path, command] of all(root, [])) {
    command.action(() => {
      called = path;
    });
  }
  await root.parseAsync(words, { from: 'user' });
  assert.ok(called, `${line} runs nothing`);
  return called;
}

for (const [path] of all(await createProgram(), [])) {
  test(`bat-sup ${path.join(' ')} has help with examples, and each example runs this command`, async () => {
    const { code, stdout, stderr } = await cli(folder, ...path, '--help');
    assert.equal(code, 0, stderr);
    const [, text = ''] = stdout.split('\nExamples:\n');
    const examples = [...text.matchAll(/^ {2}\$ (.*)\n {6}\S/gm)].map(([, line]) => line as string);
    assert.ok(examples.length > 0);
    for (const example of examples) assert.deepEqual((await parse(example)).slice(0, path.length), path);
  });
}

test('bat-sup help explains a command', async () => {
  const [help, flag] = [await cli(folder, 'help', 'export'), await cli(folder, 'export', '--help')];
  assert.deepEqual(help, flag);
  assert.equal(help.code, 0);
});

test('the first line is the version alone, and the engine follows', async () => {
  const { code, stdout, stderr } = await cli(folder, '--version');
  assert.deepEqual([code, stderr], [0, '']);
  const [version, engine, node] = stdout.split('\n');
  assert.equal(version, packageVersion());
  assert.match(engine as string, /^engine {3}(embedded, WebAssembly|TensorFlow \d)/);
  assert.equal(node, `Node.js  ${process.versions.node}`);
});

for (const [words, meant] of [
  [['trian'], 'train'],
  [['chekpoints'], 'checkpoints'],
  [['train', '--epoch', '3'], '--epochs'],
  [['checkpoints', 'prune', '--dryrun'], '--dry-run'],
  [['help', 'exprot'], 'export'],
  [['train', '--lr', '0.1'], '--learning-rate'],
  [['train', '--lr=0.1'], '--learning-rate'],
  [['train', '--imgsz', '64'], '--width or --height'],
  [['resize', '--img-size', '64'], '--width or --height'],
  [['train', '--batch', '8'], '--batch-size'],
  [['train', '--batch_size', '8'], '--batch-size'],
  [['train', '--learning_rate', '0.1'], '--learning-rate'],
  [['train', '--model', 'deep'], '--architecture or --from'],
  [['predict', '--model', 'run-001'], '--checkpoint'],
  [['predict', 'a.png', '--weights', 'run-001'], '--checkpoint'],
  [['train', '--device', '0'], '--engine'],
  [['train', '--patience', '3'], '--early-stopping'],
  [['train', '--val-split', '0.1'], '--validation-split'],
  [['train', '-v'], '--verbose'],
  [['-v'], '--version or --verbose'],
] as const) {
  test(`bat-sup ${words.join(' ')}: did you mean ${meant}?`, async () => {
    const { code, stdout, stderr } = await cli(folder, ...words);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, new RegExp(`^bat-sup: .*; did you mean ${meant}\\? See bat-sup.*--help\\n$`));
  });
}
