/** Builds dist/: the WebAssembly kernels, the backend with shared memory, the TypeScript, the C++ sources. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

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

/**
 * Node searches a CommonJS package for the names that it exports before it is imported, which takes a third of a cold
 * start for tfjs's two megabytes; required, it is just run.
 */
const imported = /^import (?:\* as (\w+)|(\{[^}]+\})) from '(@tensorflow\/[\w-]+)';$/gm;
const required = (_, all, some, name) => `const ${all ?? some} = requirePackage('${name}');`;
const header =
  "import { createRequire as requireFrom } from 'node:module';\nconst requirePackage = requireFrom(import.meta.url);\n";
for (const name of readdirSync(join(root, 'dist/src'), { recursive: true })) {
  if (!name.endsWith('.js')) continue;
  const file = join(root, 'dist/src', name);
  const code = readFileSync(file, 'utf8');
  const changed = code.replace(imported, required);
  if (changed !== code) writeFileSync(file, header + changed);
}
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
// A browser is given one file, TensorFlow.js and its licences within, and its service worker another.
buildSync({
  entryPoints: ['answer', 'offline'].map((name) => join(root, `src/formats/web/${name}.ts`)),
  outdir: join(root, 'dist/src/formats/web'),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  tsconfig: join(root, 'tsconfig.json'),
  target: 'es2022',
  legalComments: 'eof',
});
chmodSync(join(root, 'dist/bin/bat-sup.js'), 0o755);
writeFileSync(join(root, 'dist/.built'), '');
