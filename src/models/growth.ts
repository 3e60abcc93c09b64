/** How the networks that grow go by their task. */

/** Levels that halve the maps, until the shorter side is about six pixels: 2 to 5. */
export function levelsFor(height: number, width: number): number {
  const halvings = Math.round(Math.log2(Math.min(height, width) / 6));
  return Math.min(Math.max(halvings, 2), 5);
}

/** Channels of the first level; each further level has twice as many. With 16, 3 % fewer unseen emoji are known. */
export function firstChannelsFor(classes: number): number {
  return classes <= 100 ? 32 : 64;
}
