/**
 * npm run bench -- <name> [flags]: runs the benchmark <name>.ts of this folder, which prints a table, or JSON with
 * --json. --help prints what it measures and its flags. Without a name, lists the benchmarks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.replace(/\.ts$/, ''));

/** The comment that a benchmark begins with. */
function helpOf(name: string): string {
  const [, comment = ''] = /^\/\*\*\n(.*?) \*\//s.exec(readFileSync(`${folder}${name}.ts`, 'utf8')) ?? [];
  return comment.replace(/^ \* ?/gm, '').trimEnd();
}

const [name = '', ...flags] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error('Usage: npm run bench -- <name> [flags]; <name> --help explains one. The benchmarks:');
  for (const one of names) console.error(`  ${one.padEnd(11)} ${helpOf(one).split('\n')[0]}`);
  process.exitCode = 2;
} else if (flags.includes('--help')) {
  console.log(helpOf(name));
} else {
  process.argv = [...process.argv.slice(0, 2), ...flags];
  await import(`./${name}.ts`);
}
