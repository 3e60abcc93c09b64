import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { runPython } from './python.ts';

/** The metrics that scikit-learn computes from the same logits. See test/evaluation/scikit_learn.py. */
export function askScikitLearn(task: { labels: number[]; logits: number[][]; temperature: number }) {
  const file = join(temporaryFolder(), 'task.json');
  writeFileSync(file, JSON.stringify(task));
  return runPython(new URL('../evaluation/scikit_learn.py', import.meta.url), file);
}
