/** Pre-trained networks by name, and the width and height in pixels of the pictures that each was trained on. */
export const inputSizes = {
  'efficientnet-lite0': 224,
  'efficientnet-lite1': 240,
  'efficientnet-lite2': 260,
} as const;

export type BackboneName = keyof typeof inputSizes;
/** The backbones that `--pretrained` can name. */
export const backboneNames = Object.keys(inputSizes) as BackboneName[];

/** The backbone of `--pretrained` without a name, and of `--pretrained auto`. */
export const defaultBackbone: BackboneName = 'efficientnet-lite0';
