import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { CollectReport, Failure } from '../collect/collect.ts';
import type { Search } from '../collect/openverse.ts';
import { readSettings, settingOptions } from '../config/index.ts';
import { reason, UsageError, UserError } from '../errors.ts';
import { keepClassesApart } from '../system/keep_apart.ts';
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

/** Pictures that a search fetches where no --count is given; an anonymous one gives 240 at most. */
const searchCount = 200;

export function addCollect(program: Command): void {
  const command = program
    .command('collect')
    .description('fetch pictures into rawdata/<class>/, from a list of URLs or from an open image search')
    .argument('<class>', 'name of the class')
    .option('--from <file>', 'list of URLs, one a line (# for comments); - for stdin')
    .option('--query <words>', 'search Openverse; BATSUP_SEARCH_TOKEN may hold a bearer token')
    .option('--licence <list>', 'licences that the search is limited to, such as by,cc0')
    .option('--endpoint <url>', 'another search that speaks as Openverse does (/v1/images/)')
    .option('--count <n>', `stop at so many pictures in the folder (--query: ${searchCount})`)
    .option('--again', 'also what failed for good or has been deleted since')
    .option('--concurrency <n>', 'requests in flight', '8')
    .option('--per-host <n>', 'requests in flight for each host', '2')
    .option('--delay <ms>', 'milliseconds between two requests to a host', '250')
    .option('--max-bytes <n>', 'largest file', '20000000')
    .option('--allow-private', 'allow addresses that are not public, such as localhost')
    .option('--ignore-robots', 'do not ask robots.txt; for servers of your own')
    .option('--credits', 'print who made the collected pictures, and stop')
    .option('--json', 'print the report, or a JSON object a line with --credits');
  settingOptions(command, ['rawData']).action(runCollect);
  addExamples(command, [
    [
      'bat-sup collect bat --query "bat" --licence by,cc0 --count 300',
      'fetches freely licensed pictures until rawdata/bat/ holds 300',
    ],
    ['bat-sup collect cat --from urls.txt', 'fetches the pictures that a file lists, an address a line'],
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
  endBy(report, count, 'search' in source);
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
    throw new UsageError('give either --from <file> with URLs, or --query <words> to search.');
  }
  if (query !== undefined) return { search: await readSearch(query, licence, endpoint) };
  if (licence ?? endpoint) throw new UsageError('--licence and --endpoint belong to --query.');
  return { urls: await readUrls(from as string) };
}

async function readSearch(query: string, licence = '', endpoint?: string): Promise<Search> {
  const { openverseEndpoint } = await import('../collect/openverse.ts');
  if (query.trim() === '') throw new UsageError('--query is empty; give the words to search for.');
  if (endpoint !== undefined && !(/^https?:/i.test(endpoint) && URL.canParse(endpoint))) {
    throw wrongValue('--endpoint', 'a URL of http or https', endpoint);
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
    throw new UserError(`${name} cannot be read: ${reason(error)}`);
  });
  const urls = parseUrlList(list);
  if (urls.length === 0) throw new UserError(`${name} holds no URLs; give one a line.`);
  return urls;
}

/** More failures than this are grouped by their reason. */
const mostLines = 20;

function describeFailures(failed: Failure[]): string[] {
  if (failed.length <= mostLines) return failed.map((one) => `skipped ${one.url}: ${one.reason}`);
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
    duplicates && `${duplicates} the same as another`,
    failedBefore && `${failedBefore} failed before`,
    removed && `${removed} deleted since`,
  ].filter(Boolean);
  const counts = [`${fetched} fetched`, `${thereBefore} there before`, `${failed.length} failed`, ...rare];
  return `${folder}: ${pictures} pictures (${counts.join(', ')})`;
}

/** @throws {UserError} where the pictures asked for are not all there. */
function endBy(report: CollectReport, count: number | undefined, searched: boolean): void {
  const { pictures, failed, searchError, stopped } = report;
  if (count !== undefined && pictures >= count) return;
  const there =
    count === undefined ? `${pictures} pictures are there` : `${pictures} of ${count} pictures are there`;
  if (stopped) throw new UserError(`stopped; ${there}. The same command goes on.`);
  if (searchError !== undefined) throw new UserError(`${there}: ${searchError}.`);
  if (searched) throw new UserError(`${there}, and the search has no more; try another --query.`);
  if (failed.length === 0) return;
  const again = failed.filter((one) => one.again).length;
  const next = again > 0 ? `; the same command tries ${again} of them again` : '';
  throw new UserError(`${failed.length} of the URLs could not be fetched${next}.`);
}

async function printCredits(folder: string, json: boolean): Promise<void> {
  const { creditLine, readCredits } = await import('../collect/credits.ts');
  const stored = await readCredits(folder);
  if (stored.length === 0) {
    throw new UserError(`${folder} holds no collected pictures; see "bat-sup collect --help".`);
  }
  for (const entry of stored) {
    console.log(json ? JSON.stringify(entry) : `${entry.file}: ${creditLine(entry)}`);
  }
}
