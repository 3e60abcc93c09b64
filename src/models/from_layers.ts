import type * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import { type LayerSummary, type ModelTools, paddingOf, sidesOf } from '../model_tools/index.ts';
import type { Architecture } from './architecture.ts';

type Replay = (tools: ModelTools, inputs: tf.Tensor[], layer: LayerSummary) => tf.Tensor;

const windowOf = (layer: LayerSummary) => ({
  kernel: Number(layer.attributes.kernel),
  stride: Number(layer.attributes.stride),
  padding: paddingOf(layer),
});

/** How each kind of layer is made anew from what is told of it. */
const replays: Record<LayerSummary['kind'], Replay> = {
  conv: (tools, [input], layer) =>
    tools.convLayer(input as tf.Tensor, {
      ...windowOf(layer),
      inputChannels: layer.inputShape[2] as number,
      outputChannels: layer.outputShape[2] as number,
      biases: layer.variables.length > 1,
    }),
  pool: (tools, [input], layer) => tools.poolingLayer(input as tf.Tensor, windowOf(layer)),
  activation: (tools, [input]) => tools.activationLayer(input as tf.Tensor),
  flatten: (tools, [input]) => tools.flatteningLayer(input as tf.Tensor).layer,
  fullyConnected: (tools, [input], { name, inputShape, outputShape }) =>
    tools.fullyConnectedLayer(input as tf.Tensor, {
      inputs: inputShape[0] as number,
      outputs: outputShape[0] as number,
      ...(!/^fc\d+$/.test(name) && { name }),
    }),
  batchNorm: (tools, [input], { attributes }) =>
    tools.batchNormLayer(input as tf.Tensor, { epsilon: Number(attributes.epsilon) }),
  add: (tools, [one, other]) => tools.addLayer(one as tf.Tensor, other as tf.Tensor),
  globalAveragePool: (tools, [input]) => tools.globalAveragePoolingLayer(input as tf.Tensor),
  dropout: (tools, [input], { attributes }) =>
    tools.dropoutLayer(input as tf.Tensor, { rate: Number(attributes.rate) }),
  zeroPadding: (tools, [input], layer) => tools.zeroPaddingLayer(input as tf.Tensor, sidesOf(layer)),
};

/**
 * The network that these layers make up, as an imported one's are told; the last gives the logits.
 * @throws {UserError} for a kind of layer that is not known.
 */
export function fromLayers(layers: LayerSummary[]): Architecture {
  const unknown = layers.find(({ kind }) => !Object.hasOwn(replays, kind));
  if (unknown)
    throw new UserError(
      `The layer "${unknown.kind}" is not known to this version of bat-sup; install a newer one.`,
    );
  return (tools, pictures) => {
    const outputs = new Map<string, tf.Tensor>();
    let last: tf.Tensor = pictures;
    for (const layer of layers) {
      const inputs = layer.inputs.map((name) => outputs.get(name) as tf.Tensor);
      last = replays[layer.kind](tools, inputs.length > 0 ? inputs : [pictures], layer);
      outputs.set(layer.name, last);
    }
    return last as tf.Tensor2D;
  };
}
