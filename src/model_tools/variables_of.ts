import type { LayerSummary } from './types.ts';

/** Everything that a layer holds: what is trained and what it keeps besides. */
export function variablesOf({ variables, state = [] }: LayerSummary): LayerSummary['variables'] {
  return [...variables, ...state];
}
