import type { Interpretation } from './interpret_graph.ts';
import type { Variable } from './meanings.ts';
import type { NodeDef } from './messages.ts';
import { isData, nodeOf } from './node_names.ts';

/** Where a checkpoint holds the state of the Adam that trained it. */
export interface AdamState {
  /** The two moments of each variable, by the variable's name. */
  slots: Map<string, { m: Variable; v: Variable }>;
  /** beta2 to the power of the next step. */
  beta2Power: Variable;
}

/** The hyperparameters of bat-sup's Adam, TensorFlow's defaults. */
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8].map(Math.fround) as [number, number, number];

/** After fewer steps beta2's power is 0 in a float32. */
const maxSteps = 110_000;

/**
 * The state that a graph's ApplyAdam operations use; undefined where it has none, or where Adam's decays are not bat-sup's,
 * with which the moments would mean something else.
 */
export function adamOf(nodes: NodeDef[], meanings: Interpretation['meanings']): AdamState | undefined {
  const slots: AdamState['slots'] = new Map();
  let power: Variable | undefined;
  for (const { op, input } of nodes) {
    if (op !== 'ApplyAdam' && op !== 'ResourceApplyAdam') continue;
    const inputs = input.filter(isData).map((name) => meanings.get(nodeOf(name)));
    const [variable, m, v, , beta2Power] = inputs;
    const hyperparameters = inputs
      .slice(6, 9)
      .map((one) => (one?.kind === 'constant' ? one.values[0] : undefined));
    if (hyperparameters.join() !== [beta1, beta2, epsilon].join()) continue;
    if (variable?.kind !== 'variable' || m?.kind !== 'variable' || v?.kind !== 'variable') continue;
    if (
      beta2Power?.kind !== 'variable' ||
      String([m.shape, v.shape]) !== String([variable.shape, variable.shape])
    )
      continue;
    slots.set(variable.name, { m, v });
    power ??= beta2Power;
  }
  return power && { slots, beta2Power: power };
}

/** The variables that hold the state. */
export function variablesOf({ slots, beta2Power }: AdamState): Variable[] {
  return [beta2Power, ...[...slots.values()].flatMap(({ m, v }) => [m, v])];
}

/** The number of steps done: TensorFlow multiplies the power by beta2 at each one, in float32. */
export function stepsBy(beta2Power: number): number {
  let steps = 0;
  for (let power = beta2; power > beta2Power && steps < maxSteps; steps++) power = Math.fround(power * beta2);
  return steps;
}
