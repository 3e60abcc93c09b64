/**
 * The exported page's service worker: keeps the folder's files in the browser, so that the page opens where its server is
 * not reached. Export puts their names and their digest before it: another export is another worker. Where the server
 * answers, it is what it says that counts: tomorrow another page may be there.
 */
export {};

/** Of a service worker, which TypeScript's library of pages leaves out. */
interface LifeEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
declare const registration: ServiceWorkerRegistration;
declare const files: string[];
declare const digest: string;

/** Other folders of the same host keep theirs beside it. */
const name = `${registration.scope} ${digest}`;

async function keep(): Promise<void> {
  const kept = await caches.open(name);
  // Not from the browser's own cache, which may hold those of the export before.
  await kept.addAll(files.map((file) => new Request(file, { cache: 'no-cache' })));
}

async function dropOthers(): Promise<void> {
  const names = await caches.keys();
  const own = names.filter((other) => other.startsWith(`${registration.scope} `) && other !== name);
  await Promise.all(own.map((other) => caches.delete(other)));
}

async function answer(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(name)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

addEventListener('install', (event) => (event as LifeEvent).waitUntil(keep()));
addEventListener('activate', (event) => (event as LifeEvent).waitUntil(dropOthers()));
addEventListener('fetch', (event) => {
  const { request } = event as FetchEvent;
  (event as FetchEvent).respondWith(answer(request));
});
