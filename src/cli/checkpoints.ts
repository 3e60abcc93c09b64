import type { Command } from 'commander';
import type { CheckpointDifference } from '../checkpoints/diff.ts';
import { findIntact, type Manifest, verifyCheckpoint } from '../checkpoints/index.ts';
import { parametersOf } from '../checkpoints/manifest.ts';
import { type ListedCheckpoint, resolvePath, surveyCheckpoints } from '../checkpoints/survey.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { counted, figure, lineWidth, localTime, settingText, wrap } from '../text/format.ts';
import { table } from '../text/table.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';

type Flags = Record<string, unknown>;

/** Examples for the help of each subcommand. */
const examplesOf: Record<string, [line: string, meaning: string][]> = {
  list: [
    ['bat-sup checkpoints', 'lists all checkpoints'],
    ['bat-sup checkpoints list run-001', 'lists those of one run'],
  ],
  inspect: [
    ['bat-sup checkpoints inspect', 'describes the best checkpoint of the newest run'],
    ['bat-sup checkpoints inspect run-001 --newest', 'describes the newest checkpoint of another run'],
  ],
  verify: [['bat-sup checkpoints verify', 'checks all checkpoints']],
  diff: [['bat-sup checkpoints diff run-001 run-002', 'compares the newest checkpoints of two runs']],
  prune: [
    ['bat-sup checkpoints prune --dry-run', 'only prints what would be removed'],
    [
      'bat-sup checkpoints prune run-001 --keep-checkpoints 1',
      'keeps only the newest and the best checkpoint of a run',
    ],
  ],
};

export function addCheckpoints(program: Command): void {
  const command = program
    .command('checkpoints')
    .description('list, inspect, verify, compare and remove checkpoints');
  const add = (name: string, description: string, isDefault = false) =>
    settingOptions(
      command
        .command(name, { isDefault })
        .description(description)
        .option('--json', 'print everything as JSON'),
      ['checkpoints'],
    );
  const place = 'a checkpoint, a run, or a folder of runs (default: the checkpoints folder)';
  add('list', 'list checkpoints, and which are the best and the newest of each run', true)
    .argument('[place]', place)
    .action(list);
  add('inspect', 'print what a checkpoint holds, and the shapes of its tensors')
    .argument('[place]', 'a checkpoint, or a run for its best one (default: the newest run)')
    .option('--newest', 'use the newest checkpoint of the run instead of its best')
    .action(inspect);
  add('verify', 'compare checksums; exit with code 1 if a checkpoint is damaged')
    .argument('[place]', place)
    .action(verify);
  add('diff', 'compare two checkpoints')
    .argument('<before>', 'a checkpoint, or a run for its newest one')
    .argument('<after>', 'another checkpoint or run')
    .action(diff);
  const prune = add(
    'prune',
    'remove checkpoints that are neither the best nor among the newest, and leftovers of interrupted saves',
  )
    .argument(
      '[place]',
      'a run, or a folder of runs (default: the checkpoints folder); or a checkpoint to remove',
    )
    .option('--force', 'remove a checkpoint even if it is the best or the newest of its run')
    .option('--dry-run', 'only print what would be removed');
  settingOptions(prune, ['keepCheckpoints']).action(removeOld);
  for (const one of command.commands) addExamples(one, examplesOf[one.name()] ?? []);
  addExamples(
    command,
    Object.values(examplesOf).flatMap((examples) => examples.slice(0, 1)),
  );
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 0);

async function placeFrom(place: string | undefined, flags: Flags): Promise<string> {
  const { checkpoints } = await readSettings(flags);
  return resolvePath(checkpoints, place);
}

function marks({ isBest, isNewest, damage }: ListedCheckpoint): string {
  const all = [isBest && 'best', isNewest && 'newest', damage && 'damaged'];
  return all.filter(Boolean).join(', ');
}

async function list(given: string | undefined, flags: Flags): Promise<void> {
  const checkpoints = await surveyCheckpoints(await placeFrom(given, flags));
  if (flags.json) {
    console.log(JSON.stringify({ checkpoints }));
    return;
  }
  const runs = [...new Set(checkpoints.map(({ run }) => run))];
  console.log(runs.map((run) => describeRun(run, checkpoints)).join('\n\n'));
  console.log('(loss and acc are those of validation; --json prints more)');
  for (const { damage } of checkpoints) if (damage) notice(damage);
}

function describeRun(run: string, checkpoints: ListedCheckpoint[]): string {
  const rows = checkpoints
    .filter((one) => one.run === run)
    .map((one) => [
      one.name,
      one.saved ? localTime(one.saved) : '-',
      one.epoch === null ? '-' : String(one.epoch),
      figure(one.metrics.validationLoss),
      figure(one.metrics.validationAccuracy),
      megabytes(one.bytes),
      marks(one),
    ]);
  return table([[run, 'saved', 'epoch', 'loss', 'acc', 'MB', ''], ...rows], [0, 1, 6]);
}

async function inspect(given: string | undefined, flags: Flags): Promise<void> {
  const which = flags.newest ? 'newest' : 'best';
  const { folder, manifest } = await findIntact(await placeFrom(given, flags), which, [], notice);
  const [bytes, parameters] = [await bytesBelow(folder), parametersOf(manifest.files['weights.bin'])];
  console.log(
    flags.json ? JSON.stringify({ folder, bytes, parameters, manifest }) : describe(folder, manifest, bytes),
  );
}

/** Layers by their names alone, and a checksum by its start: --json prints all of them. */
function valueText(name: string, value: unknown): string {
  if (name === 'layers' && Array.isArray(value)) return value.map((layer) => layer.name).join(', ');
  if (name === 'dataset' && typeof value === 'string') return value.slice(0, 16);
  return settingText(value ?? undefined);
}

function describe(folder: string, manifest: Manifest, bytes: number): string {
  const { model, preprocessing, training, position, metrics, files, saved } = manifest;
  const rowsOf = (values: object) =>
    Object.entries(values).map(([name, value]) => [`  ${name}`, valueText(name, value)]);
  const facts = [
    ['saved', localTime(saved)],
    ['size', `${megabytes(bytes)} MB`],
    ...Object.entries({ model, preprocessing, training, position, metrics }).flatMap(([name, values]) => [
      [name, ''],
      ...rowsOf(values),
    ]),
  ];
  const tensors = files['weights.bin'].tensors.map((tensor) => [
    tensor.name,
    tensor.shape.join(' x '),
    String(parametersOf({ tensors: [tensor] })),
  ]);
  const all = ['all', '', String(parametersOf(files['weights.bin']))];
  return [
    folder,
    wrapColumns(facts),
    '',
    table([['weights', 'shape', 'parameters'], ...tensors, all], [0, 1]),
  ].join('\n');
}

async function verify(given: string | undefined, flags: Flags): Promise<void> {
  const checkpoints = await surveyCheckpoints(await placeFrom(given, flags));
  const results: { folder: string; damage: string[] }[] = [];
  for (const { folder } of checkpoints) {
    const damage = await verifyCheckpoint(folder);
    results.push({ folder, damage });
    if (!flags.json) console.log(`${folder}  ${damage.length === 0 ? 'intact' : damage.join('; ')}`);
  }
  if (flags.json) console.log(JSON.stringify({ checkpoints: results }));
  const damaged = results.filter(({ damage }) => damage.length > 0).length;
  if (damaged > 0)
    throw new UserError(
      `${damaged} of ${counted(results.length, 'checkpoint')} cannot be used; remove the damaged ones.`,
    );
}

async function diff(before: string, after: string, flags: Flags): Promise<void> {
  const { diffCheckpoints } = await import('../checkpoints/diff.ts');
  const difference = await diffCheckpoints(await placeFrom(before, flags), await placeFrom(after, flags));
  console.log(flags.json ? JSON.stringify(difference) : describeDifference(difference));
}

function describeDifference({ before, after, values, tensors, sameOptimizer }: CheckpointDifference): string {
  const facts = Object.entries(values).map(([path, both]) => [
    path,
    ...both.map((value) => valueText(path.split('.').at(-1) as string, value)),
  ]);
  const number = (value: number | null) => (value === null ? '-' : value.toExponential(2));
  const shape = (one: number[] | null) => one?.join(' x ') ?? 'none';
  const rows = tensors.map(({ name, shapes: [old, young], largest, relative }) => [
    name,
    shape(old) === shape(young) ? shape(old) : `${shape(old)} -> ${shape(young)}`,
    number(largest),
    number(relative),
  ]);
  return [
    `before  ${before}\nafter   ${after}`,
    ...(facts.length > 0 ? [describeFacts(facts), ''] : []),
    table([['weights', 'shape', 'largest', 'relative'], ...rows], [0, 1]),
    `(change from before to after; relative: |after - before| / |before|;\n the optimizer state ${sameOptimizer ? 'is the same' : 'differs'})`,
  ].join('\n');
}

/** Two columns, of which the second is broken between words where it is too long. */
function wrapColumns(rows: string[][]): string {
  const width = Math.max(...rows.map(([name = '']) => name.length)) + 2;
  const line = ([name = '', text = '']: string[]) =>
    wrap(name.padEnd(width) + text, { indent: ' '.repeat(width) });
  return rows.map(line).join('\n');
}

/** What differs, in columns where they fit; otherwise with each value on a line of its own. */
function describeFacts(facts: string[][]): string {
  const columns = table(facts, [0, 1, 2]);
  if (columns.split('\n').every((line) => line.length <= lineWidth)) return columns;
  return facts
    .flatMap(([name, before, after]) => [name, `  - ${before}`, `  + ${after}`])
    .map((line) => wrap(line as string, { indent: '    ' }))
    .join('\n');
}

async function removeOld(given: string | undefined, flags: Flags): Promise<void> {
  const { checkpoints, keepCheckpoints } = await readSettings(flags);
  const { pruneCheckpoints } = await import('../checkpoints/prune.ts');
  const dryRun = flags.dryRun === true;
  const result = await pruneCheckpoints(resolvePath(checkpoints, given), {
    keep: keepCheckpoints,
    force: flags.force === true,
    dryRun,
  });
  const freed = result.removed.reduce((sum, { bytes }) => sum + bytes, 0);
  if (flags.json) {
    console.log(JSON.stringify({ ...result, freed, dryRun }));
    return;
  }
  const verb = dryRun ? 'would be removed' : 'removed';
  for (const { folder, bytes } of result.removed) console.log(`${folder}  ${verb}, ${megabytes(bytes)} MB`);
  console.log(
    `${megabytes(freed)} MB ${dryRun ? 'would be freed' : 'freed'}, ${counted(result.kept, 'checkpoint')} kept`,
  );
}
