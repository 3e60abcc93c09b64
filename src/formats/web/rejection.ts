import type { LayerSummary } from '../../layers/index.ts';
import { unitRows } from '../../unknown/references.ts';
import type { Rejection } from '../../unknown/rejection.ts';

/** unknown.json of the page; null where it answers a class for every picture. */
export interface PageRejection extends Pick<Rejection, 'distanceFactor' | 'doubtFactor'> {
  /** int8 [rows, length] in base64. */
  references: string;
}

/** What the page rejects pictures by. @param layers of the network as the page has read it. */
export function rejectionFrom({ references, ...factors }: PageRejection, layers: LayerSummary[]): Rejection {
  const last = layers.at(-1) as LayerSummary;
  const length = last.inputShape[0] as number;
  const rows = Int8Array.from(atob(references), (letter) => letter.charCodeAt(0));
  return { ...factors, layer: last.inputs[0] as string, length, references: unitRows({ rows, length }) };
}
