import { type NormConvActivation, normConvActivations } from '../engine/kernels/norm_conv/operation.ts';
import type { NetworkPlan, PlannedLayer, Scope } from '../layers/index.ts';

/** Layers that are computed together: one alone, or a convolution, its normalisation and perhaps its activation. */
export type Group = [PlannedLayer] | [conv: PlannedLayer, norm: PlannedLayer, activation?: PlannedLayer];

/**
 * Groups a network's layers. A convolution without biases is computed together with the batch normalisation of given
 * statistics that follows it, and with relu or relu6 after that, where nothing else reads what is between them.
 */
export function groupLayers({ planned, layers }: NetworkPlan, { frozen }: Scope): Group[] {
  const onlyReader = (name: string): PlannedLayer | undefined => {
    const readers = layers.filter(({ inputs }) => inputs.includes(name));
    const [reader] = readers;
    return readers.length === 1 && reader?.inputs.length === 1
      ? planned.find(({ summary }) => summary === reader)
      : undefined;
  };
  const normOf = ({ summary: { name, kind, attributes } }: PlannedLayer) => {
    if ((kind !== 'conv' && kind !== 'depthwiseConv') || attributes.biases) return undefined;
    if (attributes.groups !== undefined || typeof attributes.stride !== 'number') return undefined;
    const norm = onlyReader(name);
    const hasGivenStatistics = norm?.summary.kind === 'batchNorm' && frozen.has(`${norm.summary.name}/mean`);
    return hasGivenStatistics ? norm : undefined;
  };
  const activationOf = ({ summary: { name } }: PlannedLayer) => {
    const activation = onlyReader(name);
    return activation && isClamp(activation) ? activation : undefined;
  };
  const taken = new Set<PlannedLayer>();
  const groups: Group[] = [];
  for (const layer of planned) {
    if (taken.has(layer)) continue;
    const norm = normOf(layer);
    const activation = norm && activationOf(norm);
    const group: Group = norm ? ([layer, norm, ...(activation ? [activation] : [])] as Group) : [layer];
    for (const one of group) taken.add(one as PlannedLayer);
    groups.push(group);
  }
  return groups;
}

function isClamp({ summary: { kind, attributes } }: PlannedLayer): boolean {
  return kind === 'activation' && normConvActivations.includes(attributes.function as NormConvActivation);
}
