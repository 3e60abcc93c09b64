/** Names and shapes of state_dicts of small networks. */

export type Shapes = Record<string, number[]>;

/** A batch normalisation's. */
export function norm(name: string, channels: number): Shapes {
  const vectors = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => [
    `${name}.${part}`,
    [channels],
  ]);
  return { ...Object.fromEntries(vectors), [`${name}.num_batches_tracked`]: [] };
}

/** torchvision's ResNet with one block of four channels per stage. */
export function resnetShapes(classes = 3): Shapes {
  const blocks = [1, 2, 3, 4].map((stage) => ({
    [`layer${stage}.0.conv1.weight`]: [4, 4, 3, 3],
    ...norm(`layer${stage}.0.bn1`, 4),
    [`layer${stage}.0.conv2.weight`]: [4, 4, 3, 3],
    ...norm(`layer${stage}.0.bn2`, 4),
    ...(stage > 1 && {
      [`layer${stage}.0.downsample.0.weight`]: [4, 4, 1, 1],
      ...norm(`layer${stage}.0.downsample.1`, 4),
    }),
  }));
  const head = { 'fc.weight': [classes, 4], 'fc.bias': [classes] };
  return Object.assign({ 'conv1.weight': [4, 3, 7, 7], ...norm('bn1', 4) }, ...blocks, head);
}

/** timm's EfficientNet-Lite with one block of few channels per stage. */
export function liteShapes(kernels = [3, 3, 5, 3, 5, 5, 3]): Shapes {
  const blocks = kernels.map((kernel, stage) => {
    const block = `blocks.${stage}.0`;
    if (stage === 0)
      return {
        [`${block}.conv_dw.weight`]: [2, 1, kernel, kernel],
        ...norm(`${block}.bn1`, 2),
        [`${block}.conv_pw.weight`]: [2, 2, 1, 1],
        ...norm(`${block}.bn2`, 2),
      };
    return {
      [`${block}.conv_pw.weight`]: [12, 2, 1, 1],
      ...norm(`${block}.bn1`, 12),
      [`${block}.conv_dw.weight`]: [12, 1, kernel, kernel],
      ...norm(`${block}.bn2`, 12),
      [`${block}.conv_pwl.weight`]: [2, 12, 1, 1],
      ...norm(`${block}.bn3`, 2),
    };
  });
  return Object.assign(
    { 'conv_stem.weight': [2, 3, 3, 3], ...norm('bn1', 2) },
    ...blocks,
    { 'conv_head.weight': [4, 2, 1, 1], ...norm('bn2', 4) },
    { 'classifier.weight': [3, 4], 'classifier.bias': [3] },
  );
}
