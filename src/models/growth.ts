/** How the size of a network follows from its task. */

/** Stages, each of which halves the maps, until the shorter side is about six pixels: 2 to 5. */
export function stagesFor(height: number, width: number): number {
  const halvings = Math.round(Math.log2(Math.min(height, width) / 6));
  return Math.min(Math.max(halvings, 2), 5);
}

/**
 * Channels of the first stage; each further stage has twice as many: 32, and 64 for more than a hundred classes. Half of
 * that cost 1 to 2 points of accuracy (bench/recipe.ts).
 */
export function firstChannelsFor(classes: number): number {
  return classes <= 100 ? 32 : 64;
}
