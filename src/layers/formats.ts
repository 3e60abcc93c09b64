import type { LayerFormats } from '../formats/layer_formats.ts';
import * as all from './all_formats.ts';
import type { LayerSummary } from './layer.ts';

/** How every layer is read and written by other formats; only export and import load this. */
export const allFormats: LayerFormats[] = Object.values(all);

const byKind = new Map(allFormats.map((formats) => [formats.layer.kind, formats]));

/** How other formats spell a layer. */
export function formatsOf({ kind }: Pick<LayerSummary, 'kind'>): LayerFormats {
  return byKind.get(kind) as LayerFormats;
}
