import { UserError } from '../errors.ts';
import type { Builder, Value } from './builder.ts';
import { type Layer, type LayerSummary, nextName, type PlannedLayer, planLayer } from './layer.ts';

/** A Fail for the layer of this name. */
export function failFor(name: string): (reason: string) => never {
  return (reason) => {
    throw new UserError(`${name} ${reason}.`);
  };
}

/**
 * Records a network layer by layer, without computing it: checks, shapes and variables.
 * @example
 * ```ts
 * import { activationLayer, convLayer, NetworkPlan } from 'bat-sup';
 *
 * const plan = new NetworkPlan();
 * const pictures = { shape: [-1, 28, 28, 3] };
 * activationLayer(
 *   convLayer(pictures, { kernel: 5, inputChannels: 3, outputChannels: 16, stride: 2 }, plan),
 *   { function: 'relu' },
 *   plan,
 * );
 * for (const { name, outputShape } of plan.layers) console.log(name, outputShape); // conv1 [14, 14, 16], relu1 [14, 14, 16]
 * ```
 */
export class NetworkPlan implements Builder {
  readonly planned: PlannedLayer[] = [];
  /** The layer that each value is the output of. */
  readonly #layerOf = new WeakMap<Value, string>();

  get layers(): LayerSummary[] {
    return this.planned.map(({ summary }) => summary);
  }

  fail<A extends object>(layer: Layer<A>, attributes: A, reason: string): never {
    return failFor(nextName(layer, attributes, this.layers))(reason);
  }

  apply<A extends object>(layer: Layer<A>, inputs: Value[], attributes: A, name?: string): Value {
    const { summary, plan } = this.place(layer, inputs, attributes, name);
    const output = { shape: [inputs[0]?.shape[0] ?? -1, ...plan.outputShape] };
    this.setOutput(summary.name, output);
    return output;
  }

  /** Plans and records a layer; `setOutput` follows, so that later layers know what they read. */
  place<A extends object>(
    layer: Layer<A>,
    inputs: Value[],
    attributes: A,
    name = nextName(layer, attributes, this.layers),
  ): PlannedLayer {
    const placed = {
      name,
      inputs: inputs.flatMap((input) => this.#layerOf.get(input) ?? []),
      inputShapes: inputs.map(({ shape }) => shape.slice(1)),
      attributes,
    };
    const fail = failFor(name);
    if (placed.inputs.length > 0 && placed.inputs.length < inputs.length)
      fail('reads the pictures beside another layer, which no network can do; put a convolution between');
    const planned = planLayer(layer, placed, fail);
    this.planned.push(planned);
    return planned;
  }

  /** Says which layer a value is the output of. */
  setOutput(name: string, output: Value): void {
    this.#layerOf.set(output, name);
  }
}
