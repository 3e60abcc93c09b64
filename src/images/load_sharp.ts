import type sharp from 'sharp';

let loading: Promise<typeof sharp> | undefined;

async function load(): Promise<typeof sharp> {
  const { default: loaded } = await import('sharp');
  // Several pictures are decoded at once, so one core each is fastest.
  loaded.concurrency(1);
  loaded.cache(false);
  return loaded;
}

/** Loads sharp when it is first needed: loading takes longer than decoding most pictures, and plain JPEGs do without. */
export function loadSharp(): Promise<typeof sharp> {
  loading ??= load();
  return loading;
}
