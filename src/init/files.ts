import { readFile } from 'node:fs/promises';
import { installedFrom } from './source.ts';

const gitignore = `# Made of rawdata/ and of training; the pictures themselves are too large for most repositories.
/rawdata/
/data/
/checkpoints/
/explained/
node_modules/
`;

/** The settings with their defaults, as they are at the root of the package. */
async function configFile(): Promise<string> {
  // dist/src and src lie at different depths below it.
  for (const up of ['../../config.ts', '../../../config.ts']) {
    const text = await readFile(new URL(up, import.meta.url), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  throw new Error('config.ts is missing; install bat-sup again.');
}

/** So that npm install gives an editor the types of config.ts, and the project keeps its bat-sup. */
function packageFile(): string {
  const contents = { private: true, type: 'module', devDependencies: { 'bat-sup': installedFrom() } };
  return `${JSON.stringify(contents, null, 2)}\n`;
}

/** The files of a new project by name. */
export async function projectFiles(): Promise<Record<string, string>> {
  return { 'config.ts': await configFile(), '.gitignore': gitignore, 'package.json': packageFile() };
}
