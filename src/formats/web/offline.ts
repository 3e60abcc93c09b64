/**
 * The service worker of the exported page: it caches the folder's files so that the page opens when its server cannot be
 * reached. Export writes the digests of the files in front of it, so each export has its own worker. While the server
 * responds its answers win, because another page may have replaced this one.
 */
export {};

/** Types of service workers, which TypeScript's DOM library lacks. */
interface LifeEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  request: Request;
  clientId: string;
  resultingClientId: string;
  respondWith(response: Promise<Response>): void;
}
declare const registration: ServiceWorkerRegistration;
declare function skipWaiting(): Promise<void>;
/** Digests by file name, in the form of a request's `integrity`. */
declare const digests: Record<string, string>;

/** Name of the cache. Other folders of the same host have caches of their own. */
const name = `${registration.scope} ${Object.values(digests).join(' ')}`;
const addressOf = (file: string) => new URL(file, registration.scope).href;
const addresses = new Set(Object.keys(digests).map(addressOf));
/** Clients that were opened without the server: they must not get files of another export. */
const opened = new Set<string>();

async function cacheFiles(): Promise<void> {
  const files = Object.entries(digests);
  const cache = await caches.open(name);
  // Bypasses the browser's HTTP cache, which may hold files of an earlier export.
  await cache.addAll(files.map(([file, integrity]) => new Request(file, { cache: 'no-cache', integrity })));
  await skipWaiting();
}

async function deleteOldCaches(): Promise<void> {
  const names = await caches.keys();
  const own = names.filter((other) => other.startsWith(`${registration.scope} `) && other !== name);
  await Promise.all(own.map((other) => caches.delete(other)));
}

async function cached(address: string): Promise<Response | undefined> {
  return (await caches.open(name)).match(address, { ignoreVary: true });
}

async function answer({ request, clientId, resultingClientId }: FetchEvent, address: string) {
  const own = opened.has(clientId) ? await cached(address) : undefined;
  if (own) return own;
  if (request.mode !== 'navigate') return fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const page = await cached(address);
    if (!page) throw error;
    opened.add(resultingClientId);
    // Browsers reject a redirected response for a navigation; some hosts redirect index.html.
    return new Response(page.body, { headers: page.headers });
  }
}

addEventListener('install', (event) => (event as LifeEvent).waitUntil(cacheFiles()));
addEventListener('activate', (event) => (event as LifeEvent).waitUntil(deleteOldCaches()));
addEventListener('fetch', (event) => {
  const fetching = event as FetchEvent;
  const { origin, pathname } = new URL(fetching.request.url);
  const requested = origin + pathname;
  const address = requested === registration.scope ? addressOf('index.html') : requested;
  if (fetching.request.method === 'GET' && addresses.has(address))
    fetching.respondWith(answer(fetching, address));
});
