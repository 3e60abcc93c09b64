/** What one layer is and does to the shape; the network's listing and TensorBoard's graph are made from these. */
export interface LayerSummary {
  /** 'conv1', 'pool1', 'relu1', 'flatten', 'fc1', 'logits', 'norm1', 'add1' ... */
  name: string;
  kind:
    | 'conv'
    | 'pool'
    | 'activation'
    | 'flatten'
    | 'fullyConnected'
    | 'batchNorm'
    | 'add'
    | 'globalAveragePool'
    | 'dropout'
    | 'zeroPadding';
  /** Names of the layers that it reads; none: it reads the pictures. */
  inputs: string[];
  /** Without the batch: [height, width, channels] or [features]. */
  inputShape: number[];
  outputShape: number[];
  /** Trainable variables, e.g. { name: 'conv1/weights', shape: [5, 5, 3, 16] }. */
  variables: { name: string; shape: number[] }[];
  /** What the layer keeps besides and no gradient changes, e.g. { name: 'norm1/mean', shape: [32] }. */
  state?: { name: string; shape: number[] }[];
  /** e.g. { kernel: 5, stride: 1 }. */
  attributes: Record<string, number | string>;
}
