/** Builds dist/: the WebAssembly kernels, the backend with shared memory, the TypeScript, the C++ sources. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = [
  'src/engine/wasm/kernels.wasm',
  'src/engine/wasm/backend.wasm',
  'src/augment/warp/warp.wasm',
  'src/images/jpeg/jpeg.wasm',
];
const run = (script, ...args) =>
  execFileSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });

run('scripts/build-wasm.mjs');
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
for (const file of modules) {
  mkdirSync(dirname(join(root, 'dist', file)), { recursive: true });
  copyFileSync(join(root, file), join(root, 'dist', file));
}
// `bat-sup setup` compiles these where they are used.
for (const sources of ['stderr.cc', 'operations']) {
  cpSync(join(root, 'src/engine/native', sources), join(root, 'dist/src/engine/native', sources), {
    recursive: true,
  });
}
for (const file of ['index.html', 'style.css'])
  copyFileSync(join(root, 'src/page', file), join(root, 'dist/src/page', file));
chmodSync(join(root, 'dist/bin/bat-sup.js'), 0o755);
writeFileSync(join(root, 'dist/.built'), '');
