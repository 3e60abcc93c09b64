import { UserError } from '../errors.ts';
import * as all from './all.ts';
import type { Builder } from './builder.ts';
import type { Layer, LayerSummary } from './layer.ts';

export * from './all.ts';
export type { Builder, Value } from './builder.ts';
export { addBiases, addWeights } from './initial_values.ts';
export {
  type Attributes,
  type Layer,
  type LayerSummary,
  type PlannedLayer,
  type TrainingPass,
  variablesOf,
} from './layer.ts';
export { NetworkPlan } from './network_plan.ts';
export { type Freezing, type LayerWatch, Scope } from './scope.ts';
export {
  type AxisWindow,
  axesOf,
  heightAndWidth,
  type Padding,
  type Size2D,
  samePadding,
  type Window,
  windowsAlong,
} from './window.ts';

const isLayer = (value: unknown): value is Layer => typeof value === 'object';

/** The layers by their kinds. */
const layers = new Map(
  Object.values(all)
    .filter(isLayer)
    .map((layer) => [layer.kind, layer]),
);

/**
 * Finds a layer by its kind, as manifests name it.
 * @throws {UserError} where this version of bat-sup has no such layer.
 * @example
 * ```ts
 * import { layerOf } from 'bat-sup';
 *
 * const { outputShape } = layerOf({ kind: 'pool' }).plan(
 *   [[28, 28, 16]],
 *   { kernel: 2, stride: 2, padding: 'same' },
 *   (reason) => {
 *     throw new Error(reason);
 *   },
 * );
 * console.log(outputShape); // [14, 14, 16]
 * ```
 */
export function layerOf({ kind }: Pick<LayerSummary, 'kind'>): Layer {
  const layer = layers.get(kind);
  if (layer) return layer;
  throw new UserError(`The layer "${kind}" is not known to this version of bat-sup; install a newer one.`);
}

type LayerFunctions = {
  [Name in keyof typeof all as (typeof all)[Name] extends (...args: never[]) => unknown
    ? Name
    : never]: (typeof all)[Name];
};

/** The arguments before the builder, which comes last. */
type Bound<F> = F extends (...args: infer A) => infer R ? (...args: WithoutBuilder<A>) => R : never;
type WithoutBuilder<A extends unknown[]> = A[1] extends Builder | undefined
  ? [layer: A[0]]
  : undefined extends A[1]
    ? [layer: A[0], options?: Exclude<A[1], undefined>]
    : [layer: A[0], options: A[1]];

/** The functions that architectures are written with: those of every layer, with their builder bound. */
export type ModelTools = { [Name in keyof LayerFunctions]: Bound<LayerFunctions[Name]> };

type AnyLayerFunction = (layer: unknown, ...rest: unknown[]) => unknown;

/**
 * Binds the functions of all layers to a builder.
 * @example
 * ```ts
 * import { modelTools, NetworkPlan } from 'bat-sup';
 *
 * const plan = new NetworkPlan();
 * const tools = modelTools(plan);
 * const maps = tools.convLayer(
 *   { shape: [-1, 28, 28, 3] },
 *   { kernel: 5, inputChannels: 3, outputChannels: 16, stride: 1 },
 * );
 * tools.poolingLayer(maps, { kernel: 2, stride: 2 });
 * console.log(plan.layers.map(({ name, outputShape }) => `${name} ${outputShape}`)); // conv1 28,28,16 and pool1 14,14,16
 * ```
 */
export function modelTools(builder: Builder): ModelTools {
  const bound = Object.entries(all).flatMap(([name, value]): [string, AnyLayerFunction][] => {
    if (typeof value !== 'function') return [];
    const layerFunction = value as AnyLayerFunction;
    // `length` does not count the builder, which has a default: (layer, builder) has the length 1.
    if (layerFunction.length === 1) return [[name, (layer) => layerFunction(layer, builder)]];
    return [[name, (layer, options) => layerFunction(layer, options, builder)]];
  });
  return Object.fromEntries(bound) as ModelTools;
}
