import type { FoundLayer } from '../keras_model/layer_format.ts';
import { weightNames } from '../keras_model/read.ts';

/** Keras's names for weights that are not trained, whatever the layer's setting `trainable`. */
const untrained = ['moving_mean', 'moving_variance', 'mean', 'variance', 'count'];

/** A weight of a layer: the layer's name in the network and in its model, and Keras's name for the weight. */
export interface Weight {
  layer: string;
  ownName: string;
  name: string;
}

/** Weights that are trained, and others, each in Keras's order. */
interface Sides {
  trained: Weight[];
  others: Weight[];
}

const joined = (parts: Sides[]): Sides => ({
  trained: parts.flatMap(({ trained }) => trained),
  others: parts.flatMap(({ others }) => others),
});

function ofLayer(layer: FoundLayer, isTrainable: boolean): Sides {
  const isTrained = (name: string) => isTrainable && !untrained.includes(name);
  const weights = weightNames(layer).map((name) => ({
    layer: layer.name,
    ownName: layer.ownName,
    name,
  }));
  return {
    trained: weights.filter(({ name }) => isTrained(name)),
    others: weights.filter(({ name }) => !isTrained(name)),
  };
}

/** Keras 3 lists the weights whose layers are trained first, unless the outermost model is frozen. */
function inKeras3(layers: FoundLayer[]): Sides {
  return joined(
    layers.map((layer) => ofLayer(layer, layer.trainable[0] === true && layer.trainable.at(-1) === true)),
  );
}

/** Keras 2 lists a frozen model's weights as not trained, but still those of its trainable layers before the others. */
function inKeras2(layers: FoundLayer[], depth = 0): Sides {
  const children = new Map<string, FoundLayer[]>();
  for (const layer of layers) {
    const child = layer.within[depth + 1] ?? ` ${layer.name}`;
    children.set(child, [...(children.get(child) ?? []), layer]);
  }
  const inside = joined(
    [...children.values()].map((child) => {
      const [first] = child as [FoundLayer];
      return first.within.length > depth + 1
        ? inKeras2(child, depth + 1)
        : ofLayer(first, first.trainable.at(-1) === true);
    }),
  );
  return layers[0]?.trainable[depth]
    ? inside
    : { trained: [], others: [...inside.trained, ...inside.others] };
}

/**
 * The weights of the layers of a model within another, in Keras's order for the model's: first those that are trained, then
 * the others, so that it depends on what is frozen.
 * @param version Keras's that wrote the file, e.g. '2.15.0'.
 */
export function inKerasOrder(layers: FoundLayer[], version: string): Weight[] {
  const { trained, others } = Number.parseInt(version, 10) >= 3 ? inKeras3(layers) : inKeras2(layers);
  return [...trained, ...others];
}

/**
 * The paths of weights that name their layers, each exactly one; undefined where they do not. Keras 2 does not write whether a
 * Sequential model is frozen, so that its order is not always known.
 */
export function pathsByName(weights: Weight[], paths: string[]): string[] | undefined {
  const names = new Set(paths.map((path) => path.replace(/:0$/, '')));
  const endings = new Map<string, string[]>();
  for (const name of names) {
    const ending = name.split('/').slice(-2).join('/');
    endings.set(ending, [...(endings.get(ending) ?? []), name]);
  }
  const found = weights.map(({ ownName, name }) => {
    const wanted = `${ownName}/${name}`;
    const [one, ...others] = names.has(wanted) ? [wanted] : (endings.get(wanted) ?? []);
    return others.length === 0 ? one : undefined;
  });
  const isEach = new Set(found).size === paths.length && !found.includes(undefined);
  const pathOf = new Map(paths.map((path) => [path.replace(/:0$/, ''), path]));
  return isEach ? found.map((name) => pathOf.get(name as string) as string) : undefined;
}
