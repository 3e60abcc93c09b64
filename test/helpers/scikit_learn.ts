import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { python, runPython } from './python.ts';

/** Why a test against scikit-learn is skipped; false where it can run. In CI it must. */
export function withoutScikitLearn(): string | false {
  if (process.env.CI) return false;
  const lib = join(python, '../../lib');
  const versions = existsSync(lib) ? readdirSync(lib) : [];
  const installed = versions.some((version) => existsSync(join(lib, version, 'site-packages', 'sklearn')));
  return installed ? false : 'needs scikit-learn, which only CI installs';
}

/** What scikit-learn makes of the same answers. See test/evaluation/scikit_learn.py. */
export function askScikitLearn(task: { labels: number[]; logits: number[][]; temperature: number }) {
  const file = join(temporaryFolder(), 'task.json');
  writeFileSync(file, JSON.stringify(task));
  return runPython(new URL('../evaluation/scikit_learn.py', import.meta.url), file);
}
