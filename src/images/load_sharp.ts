import type sharp from 'sharp';

let loading: Promise<typeof sharp> | undefined;

async function load(): Promise<typeof sharp> {
  const { default: loaded } = await import('sharp');
  // Several pictures are in flight at once, so that one core each is the fastest.
  loaded.concurrency(1);
  loaded.cache(false);
  return loaded;
}

/** sharp, once something is no plain JPEG: it takes longer to load than to decode most pictures. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= load();
  return loading;
}
