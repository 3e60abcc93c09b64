import { UserError } from '../errors.ts';
import { type LayerSummary, variablesOf } from '../layers/index.ts';

/** Whether a layer's name matches a pattern, in which * stands for any letters. */
function matches(name: string, pattern: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(name);
}

/** The names that a pattern stands for: a name, conv* for some, or ..conv5 for all up to one. */
function namesFor(pattern: string, layers: LayerSummary[]): string[] {
  const names = layers.map(({ name }) => name);
  const isRange = pattern.startsWith('..');
  const found = names.filter((name) => matches(name, isRange ? pattern.slice(2) : pattern));
  if (found.length === 0)
    throw new UserError(
      `--freeze names ${pattern}, but the network has no such layer; its layers are ${listed(layers)}.`,
    );
  return isRange ? names.slice(0, names.indexOf(found.at(-1) as string) + 1) : found;
}

const maxListed = 12;

/** The layers with weights, or the first and the last of them where there are many. */
function listed(layers: LayerSummary[]): string {
  const names = layers.filter((layer) => variablesOf(layer).length > 0).map(({ name }) => name);
  if (names.length <= maxListed) return names.join(', ');
  return `${names.slice(0, maxListed - 2).join(', ')} ... ${names.slice(-2).join(', ')}`;
}

/**
 * The layers that do not learn: those that the patterns name, and each batch normalisation of what they alone compute, since
 * statistics of frozen features are known already.
 * @param patterns names of layers; * stands for any letters, and ..name for all layers up to it.
 * @returns their names, in the order of the layers; [] for no patterns.
 * @throws {UserError} for a pattern that fits no layer, and where no layer is left that learns.
 */
export function frozenBy(patterns: string[], layers: LayerSummary[]): string[] {
  const named = new Set(patterns.flatMap((pattern) => namesFor(pattern, layers)));
  const isFixed = new Map<string, boolean>();
  for (const { name, kind, inputs, variables } of layers) {
    const readsFixed = inputs.length > 0 && inputs.every((input) => isFixed.get(input));
    const follows = readsFixed && (kind === 'batchNorm' || variables.length === 0);
    isFixed.set(name, named.has(name) || follows);
  }
  const frozen = layers.filter(
    ({ name, kind }) => named.has(name) || (kind === 'batchNorm' && isFixed.get(name)),
  );
  const learning = layers.filter((layer) => layer.variables.length > 0 && !frozen.includes(layer));
  if (learning.length === 0)
    throw new UserError('--freeze names all layers, so that nothing can learn; freeze fewer.');
  return frozen.map(({ name }) => name);
}
