/**
 * Runs the tests: the quick ones, or all of them with --all. With names of test files, only those.
 * Quick unit tests come first, tests that run the real command last.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { globSync } from 'glob';

const all = process.argv.includes('--all');
const chosen = process.argv.slice(2).filter((argument) => argument !== '--all');
const find = (pattern, ignore = []) =>
  globSync(pattern, { ignore: all ? ignore : ['**/*.long.test.ts', ...ignore] }).sort();
const endToEnd = find('test/e2e/**/*.test.ts');
const unit = find('test/**/*.test.ts', ['test/e2e/**']);
const files = chosen.length > 0 ? chosen : [...unit, ...endToEnd];
if (chosen.length === 0)
  console.error(
    `Running ${files.length} test files${all ? '' : '; npm run test:all also runs the long ones'} ...`,
  );
const env = {
  ...process.env,
  // Where scripts/prepare.mjs sets up the native engine.
  XDG_CACHE_HOME: join(process.cwd(), '.cache', 'xdg'),
  ...(all && { TEST_ALL: '1' }),
};
// Node's default leaves one core idle, which is half of a machine with two.
const concurrency = `--test-concurrency=${availableParallelism()}`;
// On a terminal, Node's own reporter ends with the failures; TAP, which programs read, does not.
const reporters = process.stdout.isTTY
  ? ['--test-reporter=spec', '--test-reporter-destination=stdout']
  : [
      '--test-reporter=tap',
      '--test-reporter-destination=stdout',
      '--test-reporter=./scripts/failures_reporter.mjs',
      '--test-reporter-destination=stderr',
    ];
const { status } = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', concurrency, ...reporters, ...files],
  { stdio: 'inherit', env },
);
process.exit(status ?? 1);
