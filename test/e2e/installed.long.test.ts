/** What a user meets who has the tarball and no clone: npm, its registry, and the commands that are printed. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findInstallation, inUseFile, nativeFolder } from '../../src/engine/native/installation.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutNative } from '../helpers/native.ts';

const clone = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** As in the user's shell: npm tells what it runs about itself and the clone's .npmrc. */
const shell = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
/** Small pictures, on the engine that is everywhere. */
const quick = { BATSUP_WIDTH: '16', BATSUP_HEIGHT: '16', BATSUP_ENGINE: 'wasm' };

/** A line as it is typed. @returns stdout and stderr together. @throws {Error} where it fails. */
async function type(line: string, folder: string, environment: Record<string, string> = {}): Promise<string> {
  const env = { ...shell, ...quick, ...environment };
  const { stdout, stderr } = await execute('sh', ['-ec', line], { cwd: folder, env, maxBuffer: 1 << 26 });
  return stdout + stderr;
}

/** The lines that follow 'Next:'. */
function nextSteps(output: string): string {
  return output.slice(output.indexOf('Next:\n') + 'Next:\n'.length);
}

async function withoutRegistry(): Promise<string | false> {
  const probe = 'npm view cookie@1.1.1 version --fetch-retries=0 --fetch-timeout=15000';
  return type(probe, temporaryFolder()).then(
    () => false,
    () => 'needs npm and its registry',
  );
}

test('all installed packages run on the Node.js version of package.json', () => {
  const { packages } = JSON.parse(readFileSync(join(clone, 'package-lock.json'), 'utf8'));
  const [major] = /\d+/.exec(packages[''].engines.node) as RegExpExecArray;
  for (const [name, { dev, engines }] of Object.entries<{ dev?: boolean; engines?: { node?: string } }>(
    packages,
  )) {
    if (dev || !engines?.node) continue;
    const oldest = engines.node.split('||').map((range) => Number(/\d+/.exec(range)?.[0]));
    assert.ok(Math.min(...oldest) <= Number(major), `${name} wants Node.js ${engines.node}`);
  }
});

describe('from a tarball', { skip: await withoutRegistry() }, () => {
  const downloads = join(realpathSync(temporaryFolder()), 'my downloads');
  let tarball = '';

  before(async () => {
    mkdirSync(downloads);
    const packed = await type(`npm pack --silent --ignore-scripts --pack-destination '${downloads}'`, clone);
    tarball = join(downloads, packed.trim());
  });

  /** The new project as its steps make it, and what it then names as next. */
  async function followSteps(folder: string, init: string, environment: Record<string, string>) {
    const steps = nextSteps(await type(init, folder, environment));
    const trained = await type(steps, folder, environment);
    const project = join(folder, 'trial');
    const next = /^ {2}(.*) <pictures> +# classify pictures$/m.exec(trained)?.[1] as string;
    const predicted = await type(`${next} rawdata/star/star-001.png`, project, environment);
    assert.match(predicted, /star-001\.png/);
    const { devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    return { steps, next, source: devDependencies['bat-sup'] };
  }

  test('in a project: no warning about engines, and printed commands can be typed', async () => {
    const folder = realpathSync(temporaryFolder());
    const installed = await type(`npm install '${tarball}'`, folder);
    assert.match(installed, /added \d+ packages/);
    assert.doesNotMatch(installed, /EBADENGINE|deprecated/);
    const { steps, next, source } = await followSteps(folder, 'npx bat-sup init trial --sample', {});
    assert.match(steps, /^ {2}cd trial\n {2}npm install +# .*\n {2}npx bat-sup train --epochs 10 +# .*\n$/);
    assert.equal(next, 'npx bat-sup predict');
    assert.equal(source, `file:${tarball}`);
  });

  test('globally: the same, and setup installs what the native engine needs from npm', async (context) => {
    const [prefix, folder, cache] = [temporaryFolder(), temporaryFolder(), temporaryFolder()].map((one) =>
      realpathSync(one),
    ) as [string, string, string];
    const installed = await type(`npm install --global --prefix '${prefix}' '${tarball}'`, folder);
    assert.doesNotMatch(installed, /EBADENGINE|deprecated/);
    const root = join(prefix, 'lib', 'node_modules', 'bat-sup');
    const environment = { PATH: `${join(prefix, 'bin')}${delimiter}${shell.PATH}`, XDG_CACHE_HOME: cache };
    const { steps, next, source } = await followSteps(folder, 'bat-sup init trial --sample', environment);
    assert.match(steps, /^ {2}cd trial\n {2}npm install +# .*\n {2}bat-sup train --epochs 10 +# .*\n$/);
    assert.equal(next, 'bat-sup predict');
    assert.equal(source, `file:${root}`);

    const script = `import('${root}/dist/src/setup/npm.js').then((npm) => npm.fetchPackage({})).then(console.log)`;
    const fetched = (await type(`node -e "${script}"`, folder, environment)).trim();
    assert.ok(fetched.startsWith(cache), fetched);
    const skip = withoutNative();
    if (skip) {
      context.diagnostic(`not loaded: ${skip}`);
      return;
    }
    // TensorFlow itself is set up already; this installation shares it.
    const native = join(cache, 'bat-sup', 'native', basename(nativeFolder()));
    writeFileSync(join(native, basename(inUseFile())), JSON.stringify(findInstallation()));
    const doctor = await type('bat-sup doctor --engine native', folder, environment);
    assert.match(doctor, /^engine +native: it was requested$/m);
  });
});
