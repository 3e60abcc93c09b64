import type { Command } from 'commander';
import type { CheckpointDifference } from '../checkpoints/diff.ts';
import { findIntact, type Manifest, verifyCheckpoint } from '../checkpoints/index.ts';
import { parametersOf } from '../checkpoints/manifest.ts';
import { type ListedCheckpoint, resolvePath, surveyCheckpoints } from '../checkpoints/survey.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { UserError } from '../errors.ts';
import { bytesBelow } from '../system/files.ts';
import { figure, localTime, settingText } from '../text/format.ts';
import { table } from '../text/table.ts';
import { addExamples } from './examples.ts';
import { notice } from './notice.ts';

type Flags = Record<string, unknown>;

/** For the help of each subcommand. */
const examplesOf: Record<string, [line: string, meaning: string][]> = {
  list: [
    ['bat-sup checkpoints', 'lists all'],
    ['bat-sup checkpoints list run-001', 'those of one run'],
  ],
  inspect: [
    ['bat-sup checkpoints inspect', 'the best one of the newest run'],
    ['bat-sup checkpoints inspect run-001 --newest', 'the newest one of another run'],
  ],
  verify: [['bat-sup checkpoints verify', 'reads all of them']],
  diff: [['bat-sup checkpoints diff run-001 run-002', 'in what the newest of two runs differ']],
  prune: [
    ['bat-sup checkpoints prune --dry-run', 'tells what would be removed'],
    ['bat-sup checkpoints prune run-001 --keep-checkpoints 1', 'leaves the newest one and the best of a run'],
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
  add('list', 'list them, with what is the best and the newest of each run', true)
    .argument('[place]', place)
    .action(list);
  add('inspect', 'tell all that one says about itself, and the shapes of its tensors')
    .argument('[place]', 'a checkpoint, or a run whose best is meant (default: of the newest run)')
    .option('--newest', 'the newest checkpoint of the run instead of its best')
    .action(inspect);
  add('verify', 'read every byte and compare the checksums; exit code 1 where one is damaged')
    .argument('[place]', place)
    .action(verify);
  add('diff', 'tell in what two differ')
    .argument('<before>', 'a checkpoint, or a run whose newest is meant')
    .argument('<after>', 'another one')
    .action(diff);
  const prune = add(
    'prune',
    'remove what is neither the best nor among the newest of its run, and rests of kills',
  )
    .argument('[place]', `${place}; a checkpoint is removed itself`)
    .option('--force', 'remove the checkpoint though it is the best or the newest of its run')
    .option('--dry-run', 'only tell what would be removed');
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
  console.log('(loss and acc: of validation; --json prints more)');
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

function describe(folder: string, manifest: Manifest, bytes: number): string {
  const { model, preprocessing, training, position, metrics, files, saved } = manifest;
  const told = (values: object) =>
    Object.entries(values).map(([name, value]) => [`  ${name}`, settingText(value ?? undefined)]);
  const facts = [
    ['saved', localTime(saved)],
    ['size', `${megabytes(bytes)} MB`],
    ...Object.entries({ model, preprocessing, training, position, metrics }).flatMap(([name, values]) => [
      [name, ''],
      ...told(values),
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
    table(facts, [0, 1]),
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
    if (!flags.json) console.log(`${folder}  ${damage.length === 0 ? 'whole' : damage.join('; ')}`);
  }
  if (flags.json) console.log(JSON.stringify({ checkpoints: results }));
  const damaged = results.filter(({ damage }) => damage.length > 0).length;
  if (damaged > 0)
    throw new UserError(
      `${damaged} of ${results.length} checkpoints cannot be used as they are; remove them.`,
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
    ...both.map((value) => settingText(value ?? undefined)),
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
    `${before} -> ${after}`,
    ...(facts.length > 0 ? [table(facts, [0]), ''] : []),
    table([['weights', 'shape', 'largest change', 'relative change'], ...rows], [0, 1]),
    `(relative: |after - before| / |before|; what Adam remembers ${sameOptimizer ? 'is the same' : 'differs'})`,
  ].join('\n');
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
    `${megabytes(freed)} MB ${dryRun ? 'would be freed' : 'freed'}, ${result.kept} checkpoints kept`,
  );
}
