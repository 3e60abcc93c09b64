/** npm run bench -- train | kernels: runs one benchmark; each prints a table, and JSON with --json. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [name, ...rest] = process.argv.slice(2);
const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((file) => file !== 'run');

if (!name || !existsSync(`${folder}${name}.ts`)) {
  console.error(`Name a benchmark: npm run bench -- ${names.join(' | ')}`);
  process.exitCode = 2;
} else {
  process.argv = [...process.argv.slice(0, 2), ...rest];
  await import(`./${name}.ts`);
}
