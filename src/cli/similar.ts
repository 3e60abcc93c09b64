import { join } from 'node:path';
import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import { UserError } from '../errors.ts';
import { printable } from '../text/printable.ts';
import { addExamples } from './examples.ts';
import { featureNetworkFlag, featureNetworkStarter } from './feature_network.ts';
import { fileError, notice } from './notice.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface SimilarFlags extends Record<string, unknown> {
  in?: string;
  count: string;
  checkpoint?: string;
  json?: boolean;
}

export function addSimilar(program: Command): void {
  const command = program
    .command('similar')
    .description('find the pictures that resemble one most')
    .argument('<picture>', 'the picture in question')
    .option('--in <folder>', 'folder to search, at any depth (default: the raw pictures)')
    .option('--count <n>', 'how many to print', '10')
    .option(...featureNetworkFlag)
    .option('--json', 'print JSON Lines: one object per picture');
  settingOptions(command, ['rawData', 'checkpoints', 'engine', 'threads']).action(similar);
  addExamples(command, [
    ['bat-sup similar sup.jpg', 'the 10 pictures of rawdata/ that resemble it most'],
    ['bat-sup similar sup.jpg --in holiday --count 3 --json', 'the 3 of another folder, as JSON Lines'],
  ]);
}

async function similar(picture: string, flags: SimilarFlags): Promise<void> {
  const count = wholeNumber('--count', flags.count, 1);
  const settings = await readSettings(flags);
  const folder = flags.in ?? settings.rawData;
  const signal = abortOnSignals();
  const start = featureNetworkStarter(settings, flags.checkpoint);
  const { findSimilar } = await import('../similar/find_similar.ts');
  let bar: ProgressBar | undefined;
  const matches = await findSimilar(start, {
    picture,
    folder,
    count,
    signal,
    onProgress(done, total) {
      bar ??= progressBar('Comparing', total);
      bar.update(done);
    },
    onFailure: fileError,
    onNotice: notice,
  }).finally(() => bar?.stop());
  if (!matches) {
    console.error('Stopped; run the same command to continue.');
    process.exitCode = 130;
    return;
  }
  if (matches.length === 0) throw new UserError(`${folder} holds no other picture that can be read.`);
  for (const { path, cosine } of matches) {
    const file = join(folder, path);
    const similarity = Number(cosine.toFixed(3));
    console.log(
      flags.json ? JSON.stringify({ file, similarity }) : `${similarity.toFixed(3)}  ${printable(file)}`,
    );
  }
}
