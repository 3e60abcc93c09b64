import type { NetworkBuilder, Value } from '../network_builder.ts';
import { constantOf, type GraphNode, type Match, operationOf } from './meanings.ts';

/** Reads a Mean or Max over height and width. @param add adds the layer of it. */
export function readGlobalReduction(
  { attributes, inputs: [maps, axes] }: GraphNode,
  add: (builder: NetworkBuilder, maps: Value, keepsDimensions: boolean, where: string) => Value,
): Match | undefined {
  const input = operationOf(maps);
  const keepsDimensions = attributes.get('keep_dims')?.b === true;
  if (constantOf(axes)?.values.join() !== '1,2' || !input) return undefined;
  return {
    inputs: [input],
    isFlat: !keepsDimensions,
    make: ({ builder, where }, [x]) => add(builder, x, keepsDimensions, where),
  };
}
