import type { Command } from 'commander';
import type { CheckReport } from '../check/check.ts';
import type { LabelledPictures } from '../check/findings.ts';
import type { Finding, Kind } from '../check/kinds.ts';
import type { World } from '../cluster/index.ts';
import { type Settings, settingOptions } from '../config/index.ts';
import { UsageError, UserError } from '../errors.ts';
import { keepClassesApart, keepFolderApart, keepOutputApart } from '../system/keep_apart.ts';
import { counted, csvLine } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { addExamples } from './examples.ts';
import { featureNetworkFlag, startFeatureNetwork } from './feature_network.ts';
import { notice } from './notice.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { onRanks, readPictureSettings } from './ranks.ts';
import { rawDataArgument, withRawData } from './raw_data_argument.ts';
import { refuseShards } from './shard.ts';
import { abortOnSignals } from './signals.ts';

interface CheckFlags extends Record<string, unknown> {
  labels?: boolean;
  checkpoint?: string;
  csv?: boolean;
  move?: string;
  moveBack?: string;
  json?: boolean;
  html?: string;
  strict?: boolean;
  quarantine?: string;
  only?: string;
  restore?: string;
}

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('find unreadable, empty and duplicate pictures before you train')
    .option('--labels', 'also find pictures that may be in the wrong class, with a pre-trained network')
    .option(...featureNetworkFlag)
    .option('--csv', 'print the pictures that --labels finds as CSV, the list for --move')
    .option('--move <list>', 'only move the pictures of a list to the classes in it')
    .option('--move-back <list>', 'only undo --move')
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'also write the report as one HTML file, with thumbnails')
    .option('--strict', 'exit with code 1 if anything is found')
    .option('--quarantine <folder>', 'move bad files there; --restore moves them back')
    .option(
      '--only <kinds>',
      'findings whose files --quarantine moves (default: unreadable, tiny, uniform, duplicate, ambiguous)',
    )
    .option('--restore <folder>', 'only move everything in a quarantine folder back');
  refuseShards(command, 'duplicates may be in different parts; run it once, or with mpirun');
  settingOptions(rawDataArgument(command), [
    'rawData',
    'width',
    'height',
    'workers',
    'checkpoints',
    'engine',
    'threads',
    'seed',
    'multiLabel',
  ]).action((folder, flags) => onRanks(async (world) => check(folder, flags, world)));
  addExamples(command, [
    ['bat-sup check', 'lists what is wrong with the pictures in rawdata/'],
    ['bat-sup check --html report.html', 'also shows it with thumbnails'],
    ['bat-sup check --quarantine bad', 'moves bad files away'],
    ['bat-sup check --restore bad', 'moves them back'],
    ['bat-sup check --labels --csv > wrong.csv', 'lists pictures that may be in the wrong class'],
    ['bat-sup check --move wrong.csv', 'moves them, after you have removed the lines that are right'],
  ]);
}

/** @throws {UsageError} for flags that contradict each other. */
function refuseFlags({ labels, checkpoint, csv, json, move, moveBack, restore }: CheckFlags): void {
  const alone = Object.entries({ '--restore': restore, '--move': move, '--move-back': moveBack });
  const given = alone.filter(([, value]) => value !== undefined).map(([flag]) => flag);
  if (given.length > 1) throw new UsageError(`${given.join(' and ')} each do one thing only; give one.`);
  if (given.length > 0 && labels) throw new UsageError(`${given[0]} finds nothing; leave out --labels.`);
  if (csv && json) throw new UsageError('--csv and --json exclude each other; give one.');
  for (const [flag, value] of Object.entries({ '--csv': csv, '--checkpoint': checkpoint }))
    if (value !== undefined && !labels) throw new UsageError(`${flag} is about --labels; give both.`);
}

async function check(folder: string | undefined, given: CheckFlags, world: World | undefined): Promise<void> {
  refuseFlags(given);
  // Here --labels is a switch, not the setting of that name.
  const { labels, ...others } = given;
  const own: CheckFlags = await withRawData('check', folder, others);
  const settings = await readPictureSettings(own, world, 4);
  const flags: CheckFlags = { ...own, ...(labels && { labels }) };
  if (labels && settings.multiLabel === 'on')
    throw new UsageError(
      '--labels judges pictures of one class each, and with multiLabel they can show several; leave out one.',
    );
  const { movable, movedByDefault } = await import('../check/kinds.ts');
  const { quarantine } = await import('../check/quarantine.ts');
  await refusePlaces(settings, flags);
  const only = readKinds(flags, Object.keys(movable) as Kind[], movedByDefault);
  const signal = abortOnSignals();
  if (world && world.rank > 0) return help(world, settings, signal, flags);
  if (flags.move !== undefined || flags.moveBack !== undefined) return relabel(settings, flags, signal);
  if (flags.restore !== undefined) return restore(settings, flags.restore, signal, flags.json === true);

  const report = await runCheck(settings, flags, { signal, world });
  if (!report) {
    console.error('Stopped; run the same command to continue.');
    process.exitCode = 130;
    return;
  }
  if (flags.html !== undefined) await writeHtml(report, flags.html);
  const { describe } = await import('../check/describe.ts');
  if (flags.csv) console.log(labelsAsCsv(report));
  else if (!flags.json) console.log(describe(report));
  if (flags.quarantine !== undefined) {
    const options = { rawData: settings.rawData, folder: flags.quarantine, signal };
    const result = await quarantine(report.findings, only, options);
    if (flags.json) console.log(JSON.stringify({ ...report, quarantine: result }));
    reportMoved(result, `to ${flags.quarantine}; --restore ${flags.quarantine} moves them back`);
  } else if (flags.json) {
    console.log(JSON.stringify(report));
  }
  if (flags.strict && report.findings.length > 0)
    throw new UserError(`${counted(report.findings.length, 'finding')} in ${settings.rawData}.`);
}

/** @throws {UsageError} where the report or the quarantine would lie among the pictures. */
async function refusePlaces(settings: Settings, { quarantine, html }: CheckFlags): Promise<void> {
  await keepClassesApart(settings);
  if (quarantine !== undefined)
    await keepFolderApart(settings.rawData, { option: '--quarantine', path: quarantine });
  if (html !== undefined) await keepOutputApart(settings, { option: '--html', path: html });
}

function readKinds({ only, quarantine }: CheckFlags, allowed: Kind[], byDefault: Kind[]): Kind[] {
  if (only === undefined) return byDefault;
  if (quarantine === undefined) throw new UsageError('--only selects what --quarantine moves; give both.');
  const names = only.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !allowed.includes(name as Kind));
  if (wrong === undefined) return names as Kind[];
  throw wrongValue('--only', `one or more of ${allowed.join(', ')}`, wrong);
}

async function help(
  world: World,
  settings: Settings,
  signal: AbortSignal,
  { restore }: CheckFlags,
): Promise<void> {
  const { helpCheck } = await import('../check/check.ts');
  if (restore === undefined) await helpCheck(world, { ...settings, signal });
}

/** @returns undefined where it was stopped. */
async function runCheck(
  settings: Settings,
  flags: CheckFlags,
  { signal, world }: { signal: AbortSignal; world: World | undefined },
): Promise<CheckReport | undefined> {
  const { checkAll } = await import('../check/check.ts');
  const labels = flags.labels ? await openLabelFinder(settings, flags, signal) : undefined;
  let bar: ProgressBar | undefined;
  try {
    return await checkAll({
      ...settings,
      signal,
      world,
      onProgress(done, total) {
        bar ??= progressBar('Checking', total);
        bar.update(done);
      },
      onNotice: notice,
      findLabels: labels?.find,
    });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    bar?.stop();
    await labels?.close();
  }
}

/** Starts what finds wrong labels, before any picture is read: it may refuse. */
async function openLabelFinder(settings: Settings, { checkpoint }: CheckFlags, signal: AbortSignal) {
  const { findWrongLabels } = await import('../labels/find.ts');
  const { network, close } = await startFeatureNetwork(settings, checkpoint);
  const { seed, threads } = settings;
  let bar: ProgressBar | undefined;
  return {
    async find(pictures: LabelledPictures): Promise<Finding[]> {
      bar = progressBar('Comparing', pictures.paths.length);
      const onProgress = (done: number) => bar?.update(done);
      const found = await findWrongLabels(pictures, network, { seed, threads, signal, onProgress });
      signal.throwIfAborted();
      return found ?? [];
    },
    async close(): Promise<void> {
      bar?.stop();
      await close();
    },
  };
}

/** The pictures that may be in the wrong class, the least likely label first. */
function labelsAsCsv({ findings }: CheckReport): string {
  const rows = findings.flatMap(({ files: [file = ''], label }) =>
    label ? [[file, label.class, label.own, String(label.probability), String(label.ownProbability)]] : [],
  );
  return [['file', 'class', 'own', 'probability', 'ownProbability'], ...rows].map(csvLine).join('\n');
}

async function relabel(
  settings: Settings,
  { move, moveBack, json }: CheckFlags,
  signal: AbortSignal,
): Promise<void> {
  const labels = await import('../labels/move.ts');
  const options = { rawData: settings.rawData, list: (move ?? moveBack) as string, signal };
  const result = await (move === undefined ? labels.moveBack(options) : labels.moveToClasses(options));
  if (json) console.log(JSON.stringify(result));
  reportMoved(
    result,
    move === undefined
      ? 'back to where they were'
      : `to the classes in ${move}; --move-back ${move} moves them back`,
  );
}

async function writeHtml(report: CheckReport, file: string): Promise<void> {
  const { htmlReport } = await import('../check/html.ts');
  const { writeFileAtomically } = await import('../system/files.ts');
  await writeFileAtomically(file, await htmlReport(report));
  console.error(`Report: ${file}`);
}

interface Moved {
  moved: unknown[];
  failed: { file: string; reason: string }[];
}

function reportMoved({ moved, failed }: Moved, where: string): void {
  for (const { file, reason } of failed) console.error(`not moved ${printable(file)}: ${reason}`);
  console.error(`${counted(moved.length, 'file')} moved ${where}`);
  if (failed.length > 0) process.exitCode = 1;
}

async function restore(
  settings: Settings,
  folder: string,
  signal: AbortSignal,
  json: boolean,
): Promise<void> {
  const { restore } = await import('../check/quarantine.ts');
  const result = await restore({ rawData: settings.rawData, folder, signal });
  if (json) console.log(JSON.stringify(result));
  reportMoved(result, `back to ${settings.rawData}`);
}
