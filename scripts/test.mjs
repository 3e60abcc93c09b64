/**
 * Runs the tests: what a contributor runs all day, or with `--all` everything. Names of files run just these.
 * Quick unit tests come first, runs of the real command last.
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
const env = {
  ...process.env,
  // The native engine that scripts/prepare.mjs has set up.
  XDG_CACHE_HOME: join(process.cwd(), '.cache', 'xdg'),
  ...(all && { TEST_ALL: '1' }),
};
// Node's default leaves a core free, which is half of two.
const concurrency = `--test-concurrency=${availableParallelism()}`;
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', concurrency, ...files], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
