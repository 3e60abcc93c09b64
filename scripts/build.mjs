/** Builds dist/: the WebAssembly kernels, the backend with shared memory, then the TypeScript. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wasm = 'src/engine/wasm';
const run = (script, ...args) =>
  execFileSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });

run('scripts/build-wasm.mjs');
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
mkdirSync(join(root, 'dist', wasm), { recursive: true });
for (const file of ['kernels.wasm', 'backend.wasm']) {
  copyFileSync(join(root, wasm, file), join(root, 'dist', wasm, file));
}
chmodSync(join(root, 'dist/bin/bat-sup.js'), 0o755);
writeFileSync(join(root, 'dist/.built'), '');
