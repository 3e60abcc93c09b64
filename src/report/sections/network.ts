import { html, type Markup } from '../../html/markup.ts';
import { dataTable } from '../../html/page.ts';
import type { LayerSummary } from '../../model_tools/index.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { ReportContents } from '../contents.ts';

function parametersOf({ variables }: LayerSummary): number {
  return variables.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const grouped = (count: number) => count.toLocaleString('en-GB');

/** Layers with what they do to the shape, and how many numbers they learn. */
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
  return html`<p>The network “${architecture}” of ${grouped(total)} parameters, for pictures of ${width} × ${height}
pixels, ${channels === 1 ? 'grey' : 'in colour'}.</p>
${dataTable(
  'Layers',
  ['Layer', 'What', 'Output', 'Parameters'],
  [['pictures', '', [height, width, channels].join(' × '), '0'], ...rows],
)}`;
}
