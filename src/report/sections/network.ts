import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { LayerSummary } from '../../layers/index.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { ReportContents } from '../contents.ts';

function parametersOf({ variables }: LayerSummary): number {
  return variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const grouped = (count: number) => count.toLocaleString('en-GB');

/** The layers with their attributes, output shapes and numbers of parameters. */
export function networkSection({ layers, checkpoint }: ReportContents): Markup {
  const { architecture, height, width, channels } = checkpoint.manifest.model;
  const total = layers.reduce((sum, layer) => sum + parametersOf(layer), 0);
  const rows = layers.map((layer) => [
    layer.name,
    Object.entries(layer.attributes)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    layer.outputShape.join(' × '),
    grouped(parametersOf(layer)),
  ]);
  return html`<p>Architecture “${architecture}” with ${grouped(total)} parameters, for ${channels === 1 ? 'grey' : 'colour'} pictures of
${width} × ${height} pixels.</p>
${dataTable(
  'Layers',
  ['Layer', 'Attributes', 'Output', 'Parameters'],
  [['pictures', '', [height, width, channels].join(' × '), '0'], ...rows],
)}`;
}
