/** What an order needs to know of a layer. */
interface Connected {
  name: string;
  inputs: string[];
}

/** In the order in which one meets them on the way from the last layer to the pictures, first inputs first. */
function traversed<T extends Connected>(layers: T[]): T[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const met = new Set<T>();
  const ahead = layers.slice(-1);
  for (let layer = ahead.pop(); layer; layer = ahead.pop()) {
    if (met.has(layer)) continue;
    met.add(layer);
    for (const input of [...layer.inputs].reverse()) {
      const before = byName.get(input);
      if (before) ahead.push(before);
    }
  }
  return [...met];
}

/**
 * Layers by their distance to the last, the farthest first, and of equal ones as they are met from the last. That is
 * the order of layers in Keras's functional networks, by which their weights are found; it does not depend on the order
 * in which a file lists them.
 * @param layers each after those that it reads.
 */
export function inDepthOrder<T extends Connected>(layers: T[]): T[] {
  const depths = new Map<string, number>();
  const depthOf = ({ name }: Connected) => depths.get(name) ?? 0;
  for (const layer of [...layers].reverse())
    for (const input of layer.inputs) depths.set(input, Math.max(depths.get(input) ?? 0, depthOf(layer) + 1));
  return traversed(layers).sort((a, b) => depthOf(b) - depthOf(a));
}
