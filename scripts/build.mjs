/** Builds dist/: the WebAssembly modules, the TypeScript, the C++ sources and the bundles for browsers. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = [
  'src/engine/wasm/kernels.wasm',
  'src/engine/wasm/kernels_relaxed.wasm',
  'src/engine/wasm/backend.wasm',
  'src/augment/warp/warp.wasm',
  'src/images/jpeg/jpeg.wasm',
  'src/transfer/logistic/logistic.wasm',
];
const run = (script, ...args) =>
  execFileSync(process.execPath, [join(root, script), ...args], { cwd: root, stdio: 'inherit' });

// A file that is gone from src must not stay: the C++ sources that are there identify the native engine's build.
rmSync(join(root, 'dist'), { recursive: true, force: true });
run('scripts/build-wasm.mjs');
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');

for (const file of modules) {
  mkdirSync(dirname(join(root, 'dist', file)), { recursive: true });
  copyFileSync(join(root, file), join(root, 'dist', file));
}
// `bat-sup setup` compiles these where they are used.
for (const name of readdirSync(join(root, 'src/engine'), { recursive: true })) {
  if (!/\.(cc|h)$/.test(name)) continue;
  mkdirSync(dirname(join(root, 'dist/src/engine', name)), { recursive: true });
  copyFileSync(join(root, 'src/engine', name), join(root, 'dist/src/engine', name));
}
for (const file of ['index.html', 'style.css'])
  copyFileSync(join(root, 'src/page', file), join(root, 'dist/src/page', file));
/** In a bundle tfjs-core is imported, not required; see src/tensors/tf.ts. */
const bundledTf = {
  name: 'bundled tf',
  setup({ onResolve }) {
    onResolve({ filter: /\/tensors\/tf\.ts$/ }, () => ({ path: join(root, 'src/tensors/tf.browser.ts') }));
  },
};
// A browser gets one file with TensorFlow.js and its licences in it, and another one for its service worker.
await build({
  entryPoints: ['answer', 'offline'].map((name) => join(root, `src/formats/web/${name}.ts`)),
  outdir: join(root, 'dist/src/formats/web'),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  tsconfig: join(root, 'tsconfig.json'),
  target: 'es2022',
  legalComments: 'eof',
  plugins: [bundledTf],
});
chmodSync(join(root, 'dist/bin/bat-sup.js'), 0o755);
writeFileSync(join(root, 'dist/.built'), '');
