import type { Command } from 'commander';
import type { AugmentOptions, AugmentReport } from '../augment/augment.ts';
import type { World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import { keepClassesApart, keepFolderApart, keepOutputApart } from '../system/keep_apart.ts';
import { counted, wrap } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { addExamples } from './examples.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { onRanks, readPictureSettings } from './ranks.ts';
import { rawDataArgument, withRawData } from './raw_data_argument.ts';
import { readShard, shardOption } from './shard.ts';

interface AugmentFlags extends Record<string, unknown> {
  target?: string;
  masks?: string;
  preview?: string;
  list?: boolean;
  shard?: string;
  clean?: boolean;
  json?: boolean;
}

export function addAugment(program: Command): void {
  const command = program
    .command('augment')
    .description('add varied copies of pictures until each class has a number of them')
    .option('--target <n>', 'the same as --augment-target')
    .option('--preview <sheet.png>', 'only draw a sheet of examples')
    .option('--list', 'only list all operations with their parameters')
    .option('--masks <folder>', 'vary masks in the same way: <folder>/<class>/<picture>.<any>')
    .option('--clean', 'only remove all generated pictures (with --masks: and masks)')
    .option('--json', 'print the report as JSON');
  settingOptions(shardOption(rawDataArgument(command)), [
    'rawData',
    'augmentTarget',
    'augmentOperations',
    'augmentClasses',
    'width',
    'height',
    'seed',
    'workers',
  ]).action((folder, flags) =>
    onRanks(async (world) => augment(await withRawData('augment', folder, flags), world)),
  );
  addExamples(command, [
    ['bat-sup augment --target 1000', 'adds copies until each class has 1000 pictures'],
    [
      'bat-sup augment --preview sheet.png --augment-operations rotate,zoom',
      'draws what two operations do to some pictures',
    ],
    ['bat-sup augment --list', 'lists all operations'],
    ['bat-sup augment --clean', 'removes every generated picture'],
  ]);
}

async function augment(flags: AugmentFlags, world: World | undefined): Promise<void> {
  if (flags.list) return list(flags);
  const shard = readShard(flags.shard, world);
  const target = flags.target === undefined ? {} : { augmentTarget: flags.target };
  const settings = await readPictureSettings({ ...flags, ...target }, world, 1);
  const isHelper = world !== undefined && world.rank > 0;
  await refusePlaces(settings, flags);
  const print = (report: unknown, text: string) => console.log(flags.json ? JSON.stringify(report) : text);
  if (flags.clean) {
    if (isHelper) return;
    const { cleanAugmented } = await import('../augment/augment.ts');
    const removed = await cleanAugmented(settings.rawData, flags.masks);
    return print({ removed }, `${settings.rawData}: ${counted(removed, 'generated picture')} removed`);
  }
  const options: AugmentOptions = {
    rawData: settings.rawData,
    target: settings.augmentTarget,
    operations: settings.augmentOperations,
    classes: settings.augmentClasses,
    seed: settings.seed,
    workers: settings.workers,
    longestSide: Math.max(512, 2 * settings.width, 2 * settings.height),
    masks: flags.masks,
    world,
    shard,
  };
  if (flags.preview !== undefined) {
    if (isHelper) return;
    const { previewAugment } = await import('../augment/preview.ts');
    const preview = await previewAugment(options, flags.preview);
    const { file, pictures, columns } = preview;
    return print(
      preview,
      wrap(`${file}: ${counted(pictures.length, 'picture')}; ${columns.join(', ')}`, { indent: '  ' }),
    );
  }
  if (isHelper) {
    const { helpAugment } = await import('../augment/augment.ts');
    return helpAugment(world, options);
  }
  const report = await augmentWithBar(options);
  for (const { file, reason } of [...report.skipped, ...report.unreadable])
    console.error(`skipped ${printable(file)}: ${reason}`);
  print(report, describe(report));
}

/** @throws {UsageError} where the preview or the masks would lie among the pictures. */
async function refusePlaces(settings: Settings, { preview, masks }: AugmentFlags): Promise<void> {
  await keepClassesApart(settings);
  if (preview !== undefined) await keepOutputApart(settings, { option: '--preview', path: preview });
  if (masks !== undefined) await keepFolderApart(settings.rawData, { option: '--masks', path: masks });
}

async function augmentWithBar(options: AugmentOptions): Promise<AugmentReport> {
  const { augmentAll } = await import('../augment/augment.ts');
  let bar: ProgressBar | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progressBar('Augmenting', total);
    bar.update(done);
  };
  return augmentAll({ ...options, onProgress }).finally(() => bar?.stop());
}

/** Prints every operation with its probability, and its parameters with their ranges and defaults. */
async function list({ json }: AugmentFlags): Promise<void> {
  const { operations } = await import('../augment/registry.ts');
  if (json) {
    console.log(JSON.stringify(operations));
    return;
  }
  for (const { name, summary, probability, parameters } of operations) {
    console.log(wrap(`${name}  ${summary} (probability ${probability})`, { indent: '    ' }));
    for (const [parameter, { meaning, allowed, default: value }] of Object.entries(parameters)) {
      const start = `    ${parameter.padEnd(16)} `;
      const text = `${start}${meaning}: ${allowed}; default ${value}`;
      console.log(wrap(text, { indent: ' '.repeat(start.length) }));
    }
  }
}

function describe({ classes, made, kept, removed }: AugmentReport): string {
  const lines = classes.map(
    ({ name, sources, generated }) =>
      `${name}: ${counted(sources + generated, 'picture')} (${counted(sources, 'source')}, ${generated} generated)`,
  );
  return [...lines, `${made} made, ${kept} there before, ${removed} removed`].join('\n');
}
