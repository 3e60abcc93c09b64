/** The part of a layer that its order depends on. */
interface Connected {
  name: string;
  inputs: string[];
}

/** Layers in the order of a depth-first walk from the last layer to the pictures, first inputs first. */
function traversed<T extends Connected>(layers: T[]): T[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const visited = new Set<T>();
  const ahead = layers.slice(-1);
  for (let layer = ahead.pop(); layer; layer = ahead.pop()) {
    if (visited.has(layer)) continue;
    visited.add(layer);
    for (const input of [...layer.inputs].reverse()) {
      const before = byName.get(input);
      if (before) ahead.push(before);
    }
  }
  return [...visited];
}

/**
 * Sorts layers by their distance to the last, the farthest first; layers at the same distance keep the order of a
 * depth-first walk from the last. Keras's functional networks have their layers, and so their weights, in this order. It
 * does not depend on the order in which a file lists them.
 * @param layers each after the layers that it reads.
 */
export function inDepthOrder<T extends Connected>(layers: T[]): T[] {
  const depths = new Map<string, number>();
  const depthOf = ({ name }: Connected) => depths.get(name) ?? 0;
  for (const layer of [...layers].reverse())
    for (const input of layer.inputs) depths.set(input, Math.max(depths.get(input) ?? 0, depthOf(layer) + 1));
  return traversed(layers).sort((a, b) => depthOf(b) - depthOf(a));
}
