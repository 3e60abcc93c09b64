import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { CollectReport, Failure } from '../collect/collect.ts';
import type { Search } from '../collect/openverse.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { keepClassesApart } from '../system/keep_apart.ts';
import { counted, wrap } from '../text/format.ts';
import { wrongValue } from '../text/wrong_value.ts';
import { addExamples } from './examples.ts';
import { type ProgressBar, progressBar } from './progress.ts';
import { abortOnSignals } from './signals.ts';
import { wholeNumber } from './whole_number.ts';

interface CollectFlags extends Record<string, unknown> {
  from?: string;
  query?: string;
  licence?: string;
  endpoint?: string;
  count?: string;
  again?: boolean;
  concurrency: string;
  perHost: string;
  delay: string;
  maxBytes: string;
  allowPrivate?: boolean;
  ignoreRobots?: boolean;
  credits?: boolean;
  json?: boolean;
}

/** Default of --count for a search; without a token a search yields 240 results at most. */
const searchCount = 200;

export function addCollect(program: Command): void {
  const command = program
    .command('collect')
    .description('download pictures into rawdata/<class>/, from a list of URLs or an open image search')
    .argument('<class>', 'name of the class')
    .option('--from <file>', 'list of URLs, one per line (# for comments); - for stdin')
    .option('--query <words>', 'search Openverse; BATSUP_SEARCH_TOKEN can hold a bearer token')
    .option('--licence <list>', 'search only for these licences, such as by,cc0')
    .option('--endpoint <url>', 'another search server with the API of Openverse (/v1/images/)')
    .option(
      '--count <n>',
      `stop when the folder holds this many pictures (default with --query: ${searchCount})`,
    )
    .option('--again', 'also try URLs that failed for good, and pictures that were deleted since')
    .option('--concurrency <n>', 'simultaneous requests', '8')
    .option('--per-host <n>', 'simultaneous requests per host', '2')
    .option('--delay <ms>', 'milliseconds between requests to the same host', '250')
    .option('--max-bytes <n>', 'largest file, in bytes', '20000000')
    .option('--allow-private', 'allow private addresses, such as localhost')
    .option('--ignore-robots', 'ignore robots.txt; for your own servers')
    .option('--credits', 'only print who made the collected pictures')
    .option('--json', 'print the report as JSON; with --credits, one object per line');
  settingOptions(command, ['rawData']).action(runCollect);
  addExamples(command, [
    [
      'bat-sup collect bat --query "bat" --licence by,cc0 --count 300',
      'downloads freely licensed pictures until rawdata/bat/ holds 300',
    ],
    ['bat-sup collect cat --from urls.txt', 'downloads the pictures listed in a file, one URL per line'],
    ['bat-sup collect bat --credits', 'prints who made them, and under which licence'],
  ]);
}

async function runCollect(className: string, flags: CollectFlags): Promise<void> {
  const settings = await readSettings(flags);
  const { rawData } = settings;
  await keepClassesApart(settings);
  const { checkClassName, collect, collectDefaults } = await import('../collect/collect.ts');
  checkClassName(className);
  if (flags.credits) return printCredits(join(rawData, className), flags.json === true);
  const limits = readLimits(flags);
  const source = await readSource(flags);
  const count = readCount(flags);
  let bar: ProgressBar | undefined;
  const report = await collect({
    ...collectDefaults,
    rawData,
    className,
    source,
    ...(count === undefined ? {} : { count }),
    maxBytes: limits.maxBytes,
    again: flags.again === true,
    web: {
      concurrency: limits.concurrency,
      perHost: limits.perHost,
      delay: limits.delay,
      ...(flags.ignoreRobots ? { ignoreRobots: true } : {}),
      ...(flags.allowPrivate ? { mayConnect: () => true } : {}),
    },
    signal: abortOnSignals(),
    onProgress(done, total) {
      bar ??= progressBar('Collecting', total);
      bar.update(done);
    },
  }).finally(() => bar?.stop());
  for (const line of describeFailures(report.failed)) console.error(line);
  console.log(flags.json ? JSON.stringify({ class: className, ...report }) : describe(report));
  failOnMissing(report, count, 'search' in source);
}

function readLimits({ concurrency, perHost, delay, maxBytes }: CollectFlags) {
  return {
    concurrency: wholeNumber('--concurrency', concurrency, 1),
    perHost: wholeNumber('--per-host', perHost, 1),
    delay: wholeNumber('--delay', delay, 0),
    maxBytes: wholeNumber('--max-bytes', maxBytes, 1),
  };
}

function readCount({ count, query }: CollectFlags): number | undefined {
  if (count !== undefined) return wholeNumber('--count', count, 1);
  return query === undefined ? undefined : searchCount;
}

async function readSource(flags: CollectFlags): Promise<{ urls: string[] } | { search: Search }> {
  const { from, query, licence, endpoint } = flags;
  if ((from === undefined) === (query === undefined)) {
    throw new UsageError('Give either --from <file> with URLs, or --query <words> to search.');
  }
  if (query !== undefined) return { search: await readSearch(query, licence, endpoint) };
  if (licence ?? endpoint)
    throw new UsageError('--licence and --endpoint are for searches only; add --query or leave them out.');
  return { urls: await readUrls(from as string) };
}

async function readSearch(query: string, licence = '', endpoint?: string): Promise<Search> {
  const { openverseEndpoint } = await import('../collect/openverse.ts');
  if (query.trim() === '') throw new UsageError('--query is empty; give the words to search for.');
  if (endpoint !== undefined && !(/^https?:/i.test(endpoint) && URL.canParse(endpoint))) {
    throw wrongValue('--endpoint', 'an http or https URL', endpoint);
  }
  const token = process.env.BATSUP_SEARCH_TOKEN;
  const licences = licence
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return {
    query,
    licences: licences.filter((name) => name !== ''),
    endpoint: endpoint ?? openverseEndpoint,
    ...(token ? { token } : {}),
    delay: 1000,
  };
}

async function readUrls(from: string): Promise<string[]> {
  const { parseUrlList } = await import('../collect/url_list.ts');
  const name = from === '-' ? 'standard input' : from;
  const list = await (from === '-' ? text(process.stdin) : readFile(from, 'utf8')).catch((error) => {
    throw new UserError(`${name} cannot be read (${reason(error)}); give a file of URLs.`);
  });
  const urls = parseUrlList(list);
  if (urls.length === 0) throw new UserError(`${name} holds no URLs; give one per line.`);
  return urls;
}

/** Above this number, failures are grouped by their reason. */
const maxLines = 20;

function describeFailures(failed: Failure[]): string[] {
  if (failed.length <= maxLines) return failed.map((one) => `skipped ${one.url}: ${one.reason}`);
  const groups = new Map<string, string[]>();
  for (const one of failed) groups.set(one.reason, [...(groups.get(one.reason) ?? []), one.url]);
  return [...groups].map(([why, [first, ...others]]) =>
    others.length === 0
      ? `skipped ${first}: ${why}`
      : `skipped ${others.length + 1} URLs, the first ${first}: ${why}`,
  );
}

function describe(report: CollectReport): string {
  const { folder, pictures, fetched, thereBefore, duplicates, failed, failedBefore, removed } = report;
  const rare = [
    duplicates && `${duplicates} duplicates`,
    failedBefore && `${failedBefore} failed before`,
    removed && `${removed} deleted since`,
  ].filter(Boolean);
  const counts = [`${fetched} downloaded`, `${thereBefore} there before`, `${failed.length} failed`, ...rare];
  return wrap(`${folder}: ${counted(pictures, 'picture')} (${counts.join(', ')})`, { indent: '  ' });
}

/** @throws {UserError} where fewer pictures were downloaded than asked for. */
function failOnMissing(report: CollectReport, count: number | undefined, searched: boolean): void {
  const { pictures, failed, searchError, stopped } = report;
  if (count !== undefined && pictures >= count) return;
  const of = count === undefined ? '' : `${pictures} of `;
  const there = `${of}${counted(count ?? pictures, 'picture')} collected`;
  if (stopped) throw new UserError(`Stopped with ${there}; run the same command to continue.`);
  if (searchError !== undefined) throw new UserError(`Only ${there}: ${searchError}.`);
  if (searched) throw new UserError(`Only ${there}, and the search has no more; try another --query.`);
  if (failed.length === 0) return;
  const again = failed.filter((one) => one.again).length;
  const next = again > 0 ? `; run the same command to try ${again} of them again` : '';
  throw new UserError(`${counted(failed.length, 'URL')} could not be downloaded${next}.`);
}

async function printCredits(folder: string, json: boolean): Promise<void> {
  const { creditLine, readCredits } = await import('../collect/credits.ts');
  const stored = await readCredits(folder);
  if (stored.length === 0) {
    throw new UserError(
      `${folder} holds no collected pictures; see "bat-sup collect --help" for how to collect some.`,
    );
  }
  for (const entry of stored) {
    console.log(json ? JSON.stringify(entry) : `${entry.file}: ${creditLine(entry)}`);
  }
}
