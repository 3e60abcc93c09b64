/** How the size of a network depends on the pictures and the number of classes. */

/** Number of stages, 2 to 5: each halves the maps, until the shorter side is about six pixels. */
export function stagesFor(height: number, width: number): number {
  const halvings = Math.round(Math.log2(Math.min(height, width) / 6));
  return Math.min(Math.max(halvings, 2), 5);
}

/**
 * Channels of the first stage: 32, or 64 for more than a hundred classes; each further stage has twice as many as the one
 * before. Half as many lowered the accuracy by 1 to 2 percentage points (bench/recipe.ts).
 */
export function firstChannelsFor(classes: number): number {
  return classes <= 100 ? 32 : 64;
}
