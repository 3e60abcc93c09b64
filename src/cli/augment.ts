import type { Command } from 'commander';
import type { AugmentReport } from '../augment/augment.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { type ProgressBar, progressBar } from './progress.ts';

interface AugmentFlags extends Record<string, unknown> {
  target?: string;
  masks?: string;
  clean?: boolean;
  json?: boolean;
}

export function addAugment(program: Command): void {
  const command = program
    .command('augment')
    .description('make every class of rawdata/ up to a number of pictures with varied copies')
    .option('--target <n>', 'the same as --augment-target')
    .option('--masks <folder>', 'vary the masks there with the pictures: <folder>/<class>/<picture>.<any>')
    .option('--clean', 'remove every generated picture and stop')
    .option('--json', 'print the report as JSON');
  settingOptions(command, [
    'rawData',
    'augmentTarget',
    'augmentOperations',
    'augmentClasses',
    'width',
    'height',
    'seed',
    'workers',
  ]).action(augment);
}

async function augment(flags: AugmentFlags): Promise<void> {
  const target = flags.target === undefined ? {} : { augmentTarget: flags.target };
  const settings = await readSettings({ ...flags, ...target });
  const { augmentAll, cleanAugmented } = await import('../augment/augment.ts');
  if (flags.clean) {
    const removed = await cleanAugmented(settings.rawData, flags.masks);
    console.log(
      flags.json ? JSON.stringify({ removed }) : `${settings.rawData}: ${removed} generated pictures removed`,
    );
    return;
  }
  let bar: ProgressBar | undefined;
  const report = await augmentAll({
    rawData: settings.rawData,
    target: settings.augmentTarget,
    operations: settings.augmentOperations,
    classes: settings.augmentClasses,
    masks: flags.masks,
    seed: settings.seed,
    workers: settings.workers,
    longestSide: Math.max(512, 2 * settings.width, 2 * settings.height),
    onProgress(done, total) {
      bar ??= progressBar('Augmenting', total);
      bar.update(done);
    },
  }).finally(() => bar?.stop());
  for (const { file, reason } of report.unreadable) console.error(`skipped ${file}: ${reason}`);
  console.log(flags.json ? JSON.stringify(report) : describe(report));
}

function describe({ classes, made, kept, removed }: AugmentReport): string {
  const lines = classes.map(
    ({ name, sources, generated }) =>
      `${name}: ${sources + generated} pictures (${sources} sources, ${generated} generated)`,
  );
  return [...lines, `${made} made, ${kept} there before, ${removed} removed`].join('\n');
}
