import type { LayerSummary } from './types.ts';

/**
 * What lies around the maps: 'same' gives as many outputs as strides fit in, with zeros (in pooling nothing) around;
 * 'valid' takes only windows that lie wholly within.
 */
export type Padding = 'same' | 'valid';

/** 'valid' is told with the layer; what is not told is 'same', as the article has it. */
export const paddingAttribute = (padding: Padding): { padding?: 'valid' } =>
  padding === 'valid' ? { padding } : {};

export const paddingOf = ({ attributes }: Pick<LayerSummary, 'attributes'>): Padding =>
  attributes.padding === 'valid' ? 'valid' : 'same';
