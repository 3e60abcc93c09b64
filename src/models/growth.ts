/** How the networks that grow go by their task. */

/** Levels that halve the maps, until the shorter side is about six pixels: 2 to 5. */
export function levelsFor(height: number, width: number): number {
  const halvings = Math.round(Math.log2(Math.min(height, width) / 6));
  return Math.min(Math.max(halvings, 2), 5);
}

/**
 * Channels of the first level; each further level has twice as many. Those of a stored network, which may be of a version
 * that began with fewer; otherwise 32, and 64 for more than a hundred classes. Half of that cost 1 to 2 points of accuracy
 * (bench/recipe.ts).
 * @param stored values of the first convolution's weights, [3, 3, channels, first channels].
 */
export function firstChannelsFor(classes: number, channels: number, stored?: Float32Array): number {
  if (stored) return Math.ceil(stored.length / (3 * 3 * channels));
  return classes <= 100 ? 32 : 64;
}
