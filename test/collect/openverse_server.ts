import type { IncomingMessage, ServerResponse } from 'node:http';
import { picture, type Server, serve } from './server.ts';

/** The limits of an anonymous request by the documentation of GET /v1/images/. */
const mostAnonymous = { pageSize: 20, results: 240 };
export const licences = ['by', 'by-sa', 'by-nc', 'by-nd', 'by-nc-sa', 'by-nc-nd', 'cc0', 'pdm'];

export interface FakeImage {
  id: string;
  url: string;
  license: string;
  [field: string]: unknown;
}

export interface FakeOpenverse extends Server {
  endpoint: string;
  images: FakeImage[];
  /** Search parameters of each request to the search. */
  searches: URLSearchParams[];
  /** Authorization headers of these. */
  tokens: (string | undefined)[];
  /** Called before each search; true where it has answered. */
  intercept: (response: ServerResponse) => boolean;
}

/** A search engine over `count` pictures of 'bat', licences in turn, as Openverse documents its own. */
export async function serveOpenverse(count: number): Promise<FakeOpenverse> {
  const server = await serve((request, response) => answer(request, response));
  const images = Array.from({ length: count }, (_, index) => imageAt(server, index));
  const fake: FakeOpenverse = {
    ...server,
    endpoint: `${server.origin('api.test')}/v1/images/`,
    images,
    searches: [],
    tokens: [],
    intercept: () => false,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', server.origin());
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/v1/images/') {
      fake.searches.push(url.searchParams);
      fake.tokens.push(request.headers.authorization);
      if (!fake.intercept(response)) json(...search(fake.images, url.searchParams, request.headers));
      return;
    }
    const index = /^\/picture\/(\d+)$/.exec(url.pathname)?.[1];
    if (index === undefined) response.writeHead(404).end();
    else response.end(await picture(Number(index)));
  }
  return fake;
}

function imageAt(server: Server, index: number): FakeImage {
  const license = licences[index % licences.length] as string;
  const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const creator = `Photographer ${index % 7}`;
  const title = `Bat ${index}`;
  return {
    id,
    title,
    indexed_on: '2024-01-01T00:00:00Z',
    foreign_landing_url: `https://photos.test/${index}`,
    url: `${server.origin(`photos${index % 4}.test`)}/picture/${index}`,
    creator,
    creator_url: `https://photos.test/people/${index % 7}`,
    license,
    license_version: license === 'cc0' || license === 'pdm' ? '1.0' : '2.0',
    license_url: `https://creativecommons.test/licenses/${license}/2.0/`,
    provider: 'flickr',
    source: 'flickr',
    category: null,
    filesize: null,
    filetype: null,
    tags: [{ name: 'bat', accuracy: null }],
    attribution: `"${title}" by ${creator} is licensed under ${license.toUpperCase()} 2.0.`,
    mature: false,
    height: 16,
    width: 24,
  };
}

function search(
  images: FakeImage[],
  parameters: URLSearchParams,
  headers: IncomingMessage['headers'],
): [status: number, body: unknown] {
  const page = Number(parameters.get('page') ?? 1);
  const pageSize = Number(parameters.get('page_size') ?? 20);
  const wanted = (parameters.get('license') ?? '').split(',').filter(Boolean);
  const unknown = wanted.find((name) => !licences.includes(name));
  if (unknown) return [400, { detail: { license: [`License '${unknown}' does not exist.`] } }];
  const anonymous = headers.authorization === undefined;
  if (anonymous && pageSize > mostAnonymous.pageSize) {
    return [401, { detail: 'Ensure this value is less than or equal to 20.' }];
  }
  if (anonymous && page * pageSize > mostAnonymous.results) {
    return [401, { detail: 'Deeper results need authentication.' }];
  }
  const words = parameters.get('q') ?? '';
  const matching = words.includes('bat') ? images : [];
  const found = matching.filter(({ license }) => wanted.length === 0 || wanted.includes(license));
  const depth = anonymous ? mostAnonymous.results : 10_000;
  const body = {
    result_count: Math.min(found.length, depth),
    page_count: Math.ceil(Math.min(found.length, depth) / pageSize),
    page_size: pageSize,
    page,
    results: found.slice((page - 1) * pageSize, page * pageSize),
  };
  return [200, body];
}
