import type { LayerSummary } from '../layers/index.ts';
export const paddingOf = ({ attributes }: Pick<LayerSummary, 'attributes'>) =>
  attributes.padding as 'same' | 'valid';
export function sidesOf({ attributes: { top, left, bottom, right } }: LayerSummary) {
  return { top: Number(top), left: Number(left), bottom: Number(bottom), right: Number(right) };
}
