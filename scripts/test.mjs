/** Runs the tests, quick unit tests first, the end-to-end runs of the real command last. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { globSync } from 'glob';

const endToEnd = globSync('test/e2e/**/*.test.ts').sort();
const unit = globSync('test/**/*.test.ts', { ignore: 'test/e2e/**' }).sort();
const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : [...unit, ...endToEnd];
// The native engine that scripts/prepare.mjs has set up.
const env = { ...process.env, XDG_CACHE_HOME: join(process.cwd(), '.cache', 'xdg') };
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', ...files], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
