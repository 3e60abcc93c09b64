import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { type Candidate, type Credit, canonicalUrl, nameOfId } from './candidate.ts';
import { FetchFailure } from './failure.ts';
import { withRetries } from './retry.ts';
import type { Web } from './web.ts';

export const openverseEndpoint = 'https://api.openverse.org/v1/images/';

/** A search for pictures. */
export interface Search {
  query: string;
  /** Licences by Openverse's names: by, by-sa, by-nc, by-nd, by-nc-sa, by-nc-nd, cc0, pdm ...; empty for all. */
  licences: string[];
  /** URL of an image search as Openverse documents it. */
  endpoint: string;
  /** Bearer token; without one the search is anonymous. */
  token?: string;
  /** Milliseconds between two pages of results. */
  delay: number;
}

/** The largest page that Openverse returns to an anonymous request. */
const pageSize = 20;
const maxBytes = 8_000_000;

interface Page {
  results: unknown[];
  /** Number of pages. */
  pages: number;
}

/**
 * The pictures that an Openverse search finds, best first; pages are fetched as they are needed
 * (GET /v1/images/?q=&license=&page=&page_size=).
 * @throws {UserError} where the search fails.
 */
export async function* searchOpenverse(web: Web, search: Search): AsyncGenerator<Candidate> {
  const seen = new Set<string>();
  for (let page = 1; ; page++) {
    if (page > 1) await sleep(search.delay, undefined, { signal: web.signal });
    const { results, pages } = await fetchPage(web, search, page);
    for (const result of results) {
      const candidate = candidateOf(result, search.licences);
      if (!candidate || seen.has(candidate.url) || seen.has(candidate.name)) continue;
      seen.add(candidate.url).add(candidate.name);
      yield candidate;
    }
    if (results.length === 0 || page >= pages) return;
  }
}

async function fetchPage(web: Web, search: Search, page: number): Promise<Page> {
  const { query, licences, endpoint, token } = search;
  const url = new URL(endpoint);
  url.searchParams.set('q', query);
  if (licences.length > 0) url.searchParams.set('license', licences.join(','));
  url.searchParams.set('page', String(page));
  url.searchParams.set('page_size', String(pageSize));
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request = { accept: 'application/json', robots: false, ...authorization };
  try {
    return await withRetries(
      () => web.get(url.href, request, async ({ chunks }) => parsePage(await textOf(chunks))),
      web.options,
      web.signal,
    );
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error;
    throw new UserError(`the search at ${url.host} failed: ${error.message}`);
  }
}

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new FetchFailure(`its answer is larger than ${maxBytes} bytes`, 'never');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

function parsePage(text: string): Page {
  let answer: { results?: unknown; page_count?: unknown } | null;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new FetchFailure('its answer is not JSON', 'never');
  }
  if (!Array.isArray(answer?.results)) {
    throw new FetchFailure('its answer has no "results" as Openverse’s have', 'never');
  }
  const { results, page_count: pages } = answer;
  return { results, pages: typeof pages === 'number' ? pages : Number.POSITIVE_INFINITY };
}

/** Text without control characters, because it is printed to terminals; undefined for anything else. */
function line(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.replaceAll(/\p{Cc}+/gu, ' ') : undefined;
}

/** A search result as a candidate; undefined where it has no URL, or a licence that was not asked for. */
function candidateOf(result: unknown, licences: string[]): Candidate | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  const fields = result as Record<string, unknown>;
  const url = line(fields.url);
  const licence = line(fields.license);
  if (!url || !URL.canParse(url)) return undefined;
  if (licences.length > 0 && !licences.includes(licence ?? '')) return undefined;
  const version = line(fields.license_version);
  const credit = {
    landingPage: line(fields.foreign_landing_url),
    title: line(fields.title),
    creator: line(fields.creator),
    creatorUrl: line(fields.creator_url),
    licence: licence && version ? `${licence} ${version}` : licence,
    licenceUrl: line(fields.license_url),
    attribution: line(fields.attribution),
  };
  const known = Object.entries(credit).filter(([, value]) => value !== undefined);
  return {
    url: canonicalUrl(url),
    name: nameOfId('openverse', fields.id, canonicalUrl(url)),
    credit: Object.fromEntries(known) as Credit,
  };
}
