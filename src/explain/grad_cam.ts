import { UserError } from '../errors.ts';
import { type LayerSummary, layerOf } from '../layers/index.ts';
import type { Predictor } from '../predict/predictor.ts';
import { tf } from '../tensors/tf.ts';
import { type HeatMap, normalise } from './heat_map.ts';

/** Whether a layer has a kernel that it moves over feature maps, or puts the maps of several branches together. */
function isConvolution({ kind, variables, outputShape }: LayerSummary): boolean {
  return outputShape.length === 3 && (kind === 'concat' || variables.some(({ shape }) => shape.length === 4));
}

/** A convolution of maps of one pixel, as of a squeeze-and-excitation, sees the whole of the picture at once. */
function hasPlaces({ outputShape: [height, width] }: LayerSummary): boolean {
  return height !== 1 || width !== 1;
}

/** Whether a network has what Grad-CAM looks at. */
export function canDrawGradCam({ layers }: Pick<Predictor, 'layers'>): boolean {
  return layers.some(isConvolution);
}

/**
 * The last convolution, or what completes it before its activation (concatenation with other branches, batch normalisation,
 * an addition), and the activation after it.
 * @throws {UserError} where the network has none.
 */
function lastConvolution(layers: LayerSummary[]): { layer: string; activation: LayerSummary | undefined } {
  const withPlaces = layers.findLastIndex((layer) => isConvolution(layer) && hasPlaces(layer));
  const index = withPlaces < 0 ? layers.findLastIndex(isConvolution) : withPlaces;
  if (index < 0) throw new UserError('Grad-CAM needs a network with a convolution, and this one has none.');
  const after = layers.slice(index + 1);
  const other = after.findIndex((layer) => !layerOf(layer).isLinear);
  const found = layers[index + (other < 0 ? after.length : other)] as LayerSummary;
  const rest = layers.slice(layers.indexOf(found) + 1);
  const weighted = rest.findIndex(({ variables }) => variables.length > 0);
  const own = weighted < 0 ? rest : rest.slice(0, weighted);
  return { layer: found.name, activation: own.find(({ kind }) => kind === 'activation') };
}

/**
 * Feature maps [1, height, width, channels] of a layer, and the gradient of a class's logit by them. The network is
 * run again with the maps put in place of the layer's output, so that the logit is a function of them.
 */
export function mapsAndGradient(
  model: Predictor,
  picture: Uint8Array,
  { layer, classIndex }: { layer: string; classIndex: number },
): { maps: tf.Tensor4D; gradient: tf.Tensor4D } {
  let maps: tf.Tensor4D | undefined;
  model.forward([picture], (name, output) => {
    if (name === layer) maps = output as tf.Tensor4D;
    return undefined;
  });
  const logits = (given: tf.Tensor) =>
    model.forward([picture], (name) => (name === layer ? given : undefined));
  const classes = model.description.classes.map((_, index) => Number(index === classIndex));
  const gradient = tf.grad(logits)(maps as tf.Tensor4D, tf.tensor2d([classes])) as tf.Tensor4D;
  return { maps: maps as tf.Tensor4D, gradient };
}

/**
 * Grad-CAM (Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017,
 * equations 1 and 2) on the activations of the last convolution: each channel counts as much as the class's logit rises with
 * it, on average over the map; what speaks against the class is left out.
 * @param picture uint8 [height, width, channels] as `model.decode` gives it.
 * @throws {UserError} where the network has no convolution.
 */
export async function gradCam(model: Predictor, picture: Uint8Array, classIndex: number): Promise<HeatMap> {
  const { height, width } = model.description;
  const { layer, activation } = lastConvolution(model.layers);
  const map = tf.tidy(() => {
    const { maps, gradient } = mapsAndGradient(model, picture, { layer, classIndex });
    const importance = tf.mean(gradient, [1, 2], true);
    // Max-pooling and then relu is the same as relu and then max-pooling, and what relu stops is not evidence.
    const activations = activation ? activate(activation, maps) : maps;
    const combined = tf.relu(tf.sum(tf.mul(activations, importance), 3, true)) as tf.Tensor4D;
    return tf.image.resizeBilinear(combined, [height, width], false, true);
  });
  const values = await map.data();
  map.dispose();
  return normalise(values as Float32Array);
}

function activate(layer: LayerSummary, maps: tf.Tensor4D): tf.Tensor4D {
  const pass = { name: layer.name, seed: 0, training: undefined };
  return layerOf(layer).forward([maps], {}, layer.attributes, pass) as tf.Tensor4D;
}
