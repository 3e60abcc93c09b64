/**
 * The exported page's service worker: keeps the folder's files in the browser, so that the page opens without a network.
 * Export puts their names and their digest before it. Another digest is another worker, which waits until no page of the
 * one before is open: no page meets the files of two exports.
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
  const kept = await caches.open(name);
  return (await kept.match(request, { ignoreSearch: true })) ?? fetch(request);
}

addEventListener('install', (event) => (event as LifeEvent).waitUntil(keep()));
addEventListener('activate', (event) => (event as LifeEvent).waitUntil(dropOthers()));
addEventListener('fetch', (event) => {
  const { request } = event as FetchEvent;
  (event as FetchEvent).respondWith(answer(request));
});
