import { zipSync } from 'fflate';
import { packageVersion } from '../../system/version.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { affineOf } from '../affine.ts';
import type { ExportOptions, Network } from '../format.ts';
import { inDepthOrder } from '../keras_model/depth_order.ts';
import { groupNames } from '../keras_model/group_names.ts';
import { toKerasLayers, type WrittenLayer } from '../keras_model/write.ts';
import { metadataKey, metadataOf } from '../metadata.ts';
import { writeHdf5 } from './hdf5.ts';

/** The version of Keras whose file format this is. */
const kerasVersion = '3.0.0';

type Shapes = Map<string, number[]>;

function tensorOf(layer: string, shapes: Shapes) {
  const config = {
    shape: [null, ...(shapes.get(layer) ?? [])],
    dtype: 'float32',
    keras_history: [layer, 0, 0],
  };
  return { class_name: '__keras_tensor__', config };
}

/** The config.json of Keras 3 for a functional network of these layers. */
function configOf({ model, layers }: Network, written: WrittenLayer[]) {
  const picture = [model.height, model.width, model.channels];
  const shapes: Shapes = new Map([
    ['pictures', picture],
    ['rescaling', picture],
    ...layers.map(({ name, outputShape }): [string, number[]] => [name.replaceAll('/', '_'), outputShape]),
  ]);
  const layerOf = (className: string, name: string, config: object, nodes: object[]) => ({
    module: 'keras.layers',
    class_name: className,
    config: { name, ...config },
    registered_name: null,
    name,
    inbound_nodes: nodes,
  });
  const input = layerOf('InputLayer', 'pictures', { batch_shape: [null, ...picture], dtype: 'float32' }, []);
  const others = written.map(({ className, name, config, inputs }) => {
    const tensors = inputs.map((one) => tensorOf(one, shapes));
    // Layers with several inputs take them as a list.
    return layerOf(className, name, config, [{ args: tensors.length > 1 ? [tensors] : tensors, kwargs: {} }]);
  });
  return {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name: model.architecture,
      trainable: true,
      layers: [input, ...others],
      input_layers: ['pictures', 0, 0],
      output_layers: [written.at(-1)?.name, 0, 0],
    },
    registered_name: 'Functional',
  };
}

/** The model.weights.h5 of Keras 3: datasets layers/<group>/vars/0, 1 ... */
function writeWeights(network: Network, written: WrittenLayer[]): Promise<Uint8Array> {
  const input = { className: 'InputLayer', name: 'pictures', weights: [] };
  const all = [input, ...written];
  const groups = groupNames(all.map(({ className }) => className));
  return writeHdf5((root) => {
    const layers = root.create_group('layers');
    for (const [position, { name, weights }] of all.entries()) {
      const variables = layers.create_group(groups[position] as string).create_group('vars');
      variables.create_attribute('name', name);
      for (const [index, { variable }] of weights.entries()) {
        const { shape, values } = network.weights.get(variable) as Tensor;
        variables.create_dataset({ name: String(index), data: values, shape, dtype: '<f4' });
      }
    }
    root.create_group('vars');
  });
}

/** Writes a network as a .keras file: a zip of config.json, metadata.json and model.weights.h5 (keras.io/api/models). */
export async function encodeKeras(
  network: Network,
  { preprocessing }: Pick<ExportOptions, 'preprocessing'>,
): Promise<Uint8Array> {
  const affine = preprocessing === 'inside' ? affineOf(network.preprocessing) : undefined;
  const written = inDepthOrder(toKerasLayers(network.layers, affine));
  const metadata = {
    keras_version: kerasVersion,
    generated_by: `bat-sup ${packageVersion()}`,
    [metadataKey]: metadataOf(network, { scaledInside: affine !== undefined }),
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const files = {
    'metadata.json': json(metadata),
    'config.json': json(configOf(network, written)),
    'model.weights.h5': await writeWeights(network, written),
  };
  // Keras reads the weights in place, so they must not be compressed. A fixed date makes equal networks equal files.
  return zipSync(files, { level: 0, mtime: new Date(1980, 0, 1) });
}
