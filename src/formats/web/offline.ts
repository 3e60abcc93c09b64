/**
 * The exported page's service worker: keeps the folder's files in the browser, so that the page opens where its server is
 * not reached. Export puts the files' digests before it: another export is another worker. Where the server answers, it is
 * what it says that counts: tomorrow another page may be there.
 */
export {};

/** Of a service worker, which TypeScript's library of pages leaves out. */
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
/** By name, as a request's `integrity`. */
declare const digests: Record<string, string>;

/** Other folders of the same host keep theirs beside it. */
const name = `${registration.scope} ${Object.values(digests).join(' ')}`;
const addressOf = (file: string) => new URL(file, registration.scope).href;
const addresses = new Set(Object.keys(digests).map(addressOf));
/** Pages that were opened without the server: nothing of another export may come to what they have. */
const opened = new Set<string>();

async function keep(): Promise<void> {
  const files = Object.entries(digests);
  const cache = await caches.open(name);
  // Not from the browser's own cache, which may hold those of the export before.
  await cache.addAll(files.map(([file, integrity]) => new Request(file, { cache: 'no-cache', integrity })));
  await skipWaiting();
}

async function dropOthers(): Promise<void> {
  const names = await caches.keys();
  const own = names.filter((other) => other.startsWith(`${registration.scope} `) && other !== name);
  await Promise.all(own.map((other) => caches.delete(other)));
}

async function kept(address: string): Promise<Response | undefined> {
  return (await caches.open(name)).match(address, { ignoreVary: true });
}

async function answer({ request, clientId, resultingClientId }: FetchEvent, address: string) {
  const own = opened.has(clientId) ? await kept(address) : undefined;
  if (own) return own;
  if (request.mode !== 'navigate') return fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const page = await kept(address);
    if (!page) throw error;
    opened.add(resultingClientId);
    // A host that redirects index.html has made it an answer that browsers do not take for a page.
    return new Response(page.body, { headers: page.headers });
  }
}

addEventListener('install', (event) => (event as LifeEvent).waitUntil(keep()));
addEventListener('activate', (event) => (event as LifeEvent).waitUntil(dropOthers()));
addEventListener('fetch', (event) => {
  const asked = event as FetchEvent;
  const { origin, pathname } = new URL(asked.request.url);
  const place = origin + pathname;
  const address = place === registration.scope ? addressOf('index.html') : place;
  if (asked.request.method === 'GET' && addresses.has(address)) asked.respondWith(answer(asked, address));
});
