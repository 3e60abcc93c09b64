import type { LayerFormats } from '../formats/layer_formats.ts';
import * as all from './all_formats.ts';
import type { LayerSummary } from './layer.ts';

/** How other formats read and write every layer; only export and import load this. */
export const allFormats: LayerFormats[] = Object.values(all);

const byKind = new Map(allFormats.map((formats) => [formats.layer.kind, formats]));

/** How other formats read and write layers of this kind. */
export function formatsOf({ kind }: Pick<LayerSummary, 'kind'>): LayerFormats {
  return byKind.get(kind) as LayerFormats;
}
