import type { LayerGraph } from './layer_format.ts';

/** Adds a layer's biases to its product, where it has biases. @returns the node of the layer's output. */
export function addBiases(graph: LayerGraph, product: string, biases: string | undefined): string {
  return biases ? graph.add('Add', [product, biases], { name: 'add' }) : product;
}
