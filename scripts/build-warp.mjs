/** Makes warp.wasm, the resampling that augment does, from AssemblyScript. */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'src/augment/warp');
const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
const files = [join(folder, 'assembly/index.ts'), '--outFile', join(folder, 'warp.wasm')];
const options = ['--enable', 'simd', '-O3', '--noAssert', '--runtime', 'stub'];
execFileSync(process.execPath, [asc, ...files, ...options], { stdio: 'inherit' });
