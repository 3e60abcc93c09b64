import type { Layer } from '../layers/layer.ts';

/** How every format spells one kind of layer. */
// biome-ignore lint/suspicious/noExplicitAny: a table of layers holds all kinds of attributes.
export interface LayerFormats<A extends object = any> {
  layer: Layer<A>;
}
