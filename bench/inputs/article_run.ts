import { join } from 'node:path';
import { startEngine } from '../../src/engine/index.ts';
import { saveImported } from '../../src/formats/network.ts';
import { ownPreprocessing } from '../../src/models/preprocessing.ts';
import { networkOf } from '../../test/helpers/network.ts';

/** The article's network, which answers like a trained one, as a run below `folder`/checkpoints. */
export async function saveArticleRun(folder: string, classes: [string, string]): Promise<void> {
  const engine = await startEngine('cpu', { threads: 1 });
  const network = networkOf({ architecture: 'article', width: 100, height: 100, channels: 3, classes });
  const preprocessing = { ...ownPreprocessing, fit: 'fill' } as const;
  const training = { seed: 1, batchSize: 10, learningRate: 0.001, validationSplit: 0.2 };
  const run = join(folder, 'checkpoints', 'run-001');
  await saveImported({ ...network, preprocessing, temperature: 1 }, run, training);
  await engine.dispose();
}
