import { join } from 'node:path';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { saveNetwork } from '../../test/helpers/checkpoint.ts';

/** Saves the article's network, with weights like a trained one's, as a run in <folder>/checkpoints. */
export async function saveArticleRun(folder: string, classes: [string, string]): Promise<void> {
  const description = { architecture: 'article', width: 100, height: 100, channels: 3, classes } as const;
  const preprocessing = { ...ownPreprocessing, fit: 'fill' } as const;
  await saveNetwork(join(folder, 'checkpoints', 'run-001'), description, { preprocessing, temperature: 1 });
}
