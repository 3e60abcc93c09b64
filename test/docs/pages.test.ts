/** What the documents promise: links that lead somewhere, commands and flags that exist, a short README. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { globSync } from 'glob';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], {
  cwd: root,
  ignore: ['docs/api/**', '**/node_modules/**'],
}).sort();
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings =
    textOf(page)
      .replace(/^```[\s\S]*?^```/gm, '')
      .match(/^#+ .*$/gm) ?? [];
  return headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('the README can be read in one sitting', () => {
  const lines = textOf('README.md').trimEnd().split('\n').length;
  assert.ok(lines <= 200, `${lines} lines`);
});

for (const page of pages) {
  test(`${page}: every link and picture leads to a file, and to a heading in it`, () => {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path));
      assert.ok(existsSync(join(root, file)), target);
      if (anchor && file.endsWith('.md')) assert.ok(anchorsOf(file).includes(anchor), target);
    }
  });
}

test('every document is named in docs/README.md', () => {
  const index = textOf('docs/README.md');
  const missing = pages
    .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
    .filter((page) => !index.includes(`(${relative('docs', page)}`));
  assert.deepEqual(missing, []);
});

test('every npm script and benchmark that the documents name exists', () => {
  const { scripts } = JSON.parse(textOf('package.json'));
  const benches = readdirSync(join(root, 'bench')).map((file) => file.replace(/\.ts$/, ''));
  for (const page of pages) {
    for (const [, script = '', bench] of textOf(page).matchAll(/npm run ([\w:-]+)(?: -- (\w+))?/g)) {
      assert.ok(Object.hasOwn(scripts, script), `${page}: npm run ${script}`);
      if (script === 'bench' && bench)
        assert.ok(benches.includes(bench), `${page}: npm run bench -- ${bench}`);
    }
  }
});

/** What a page has in backticks, outside of blocks. */
function spansOf(page: string): string[] {
  const prose = textOf(page).replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

/** The command lines of a page, in blocks and in the running text, without comments; not those shown to be wrong. */
function commandsOf(page: string): string[] {
  const lines = textOf(page).split('\n');
  const isRefused = (index: number) => /^bat-sup: unknown /.test(lines[index + 1] ?? '');
  return [...lines.filter((_, index) => !isRefused(index)), ...spansOf(page)]
    .map(
      (line) => /^(?:\$ )?(?:\w+=\S+ )*(?:mpirun (?:-\S+ \S+ )*)?(?:npx )?bat-sup ([a-z].*)$/.exec(line)?.[1],
    )
    .filter((command) => command !== undefined)
    .map((command) => command.replace(/ +#.*$/, '').replace(/["'][^"']*["']/g, 'text'));
}

/** Of mpirun and sbatch. */
const launcherFlags = ['--bind-to', '--signal'];
const flags = /(?<![\w-])--[a-z][a-z-]*/g;
const help = async (...words: string[]) => (await cli(temporaryFolder(), 'help', ...words)).stdout;

test('every command and flag that the documents show exists', async () => {
  const overview = await help();
  const names = [...overview.matchAll(/^ {2}([a-z-]+)(?= [[<]|$)/gm)].map(([, name = '']) => name);
  const subcommands = ['inspect', 'verify', 'diff', 'prune'];
  const helps = new Map<string, string>();
  for (const name of names) helps.set(name, await help(name));
  for (const name of subcommands) helps.set(`checkpoints ${name}`, await help('checkpoints', name));
  const shown = [overview, ...helps.values()].flatMap((text) => text.match(flags) ?? []);
  const known = new Set([...shown, ...launcherFlags]);
  const unknown: string[] = [];
  for (const page of pages) {
    for (const command of commandsOf(page)) {
      const [name = '', second = ''] = command.split(/\s+/);
      const text = helps.get(subcommands.includes(second) ? `${name} ${second}` : name);
      if (text === undefined) unknown.push(`${page}: ${command}`);
      for (const flag of command.match(flags) ?? [])
        if (name !== 'help' && !text?.includes(flag)) unknown.push(`${page}: ${command}: ${flag}`);
    }
    for (const span of spansOf(page).filter((one) => one.startsWith('--')))
      for (const flag of span.match(flags) ?? []) if (!known.has(flag)) unknown.push(`${page}: ${span}`);
  }
  assert.deepEqual(unknown, []);
});
