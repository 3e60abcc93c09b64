import type { LayerSummary } from '../model_tools/index.ts';

/** The zeros that a zeroPadding layer puts around its maps: [top, left, bottom, right], pixels. */
export function sidesOf({ attributes }: LayerSummary): [number, number, number, number] {
  const { top, left, bottom, right } = attributes;
  return [Number(top), Number(left), Number(bottom), Number(right)];
}
