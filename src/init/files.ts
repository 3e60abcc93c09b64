import { configFile } from '../config/config_file.ts';
import { installedFrom } from './source.ts';

const gitignore = `# Made from rawdata/ and by training; the pictures themselves are too large for most repositories.
/rawdata/
/data/
/checkpoints/
/explained/
node_modules/
`;

/** With it, npm install gives an editor the types of config.ts, and the project keeps its version of bat-sup. */
function packageFile(): string {
  const contents = { private: true, type: 'module', devDependencies: { 'bat-sup': installedFrom() } };
  return `${JSON.stringify(contents, null, 2)}\n`;
}

/** The files of a new project: their names and contents. */
export function projectFiles(): Record<string, string> {
  return { 'config.ts': configFile(), '.gitignore': gitignore, 'package.json': packageFile() };
}
