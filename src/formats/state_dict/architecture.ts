import type { Preprocessing } from '../../models/preprocessing.ts';
import type { Value } from '../value.ts';
import type { Modules } from './modules.ts';

/** How pictures of three channels are usually prepared for a network. */
export interface Convention extends Omit<Preprocessing, 'order'> {
  /** Width and height in pixels. */
  side: number;
}

/** A network that a state_dict's names tell. */
export interface StateDictArchitecture {
  /** For messages, e.g. 'a ResNet of torchvision or timm'. */
  description: string;
  /** The names that torchvision's and timm's functions have, e.g. 'resnet50'; `--network` gives one. */
  names: RegExp;
  /** A tensor that each such network has; its name ends with this. */
  mark: string;
  /** The weights of its first convolution. */
  stem: string;
  /** Of architectures with the same mark, whether it can be this one. Default: it can. */
  suits?(net: Modules): boolean;
  /** Adds the layers. @returns the logits. @throws {UserError} naming a tensor that is missing, or has another shape. */
  build(net: Modules, pictures: Value): Value;
  convention(net: Modules): Convention;
}

/** torchvision's and timm's: of a picture whose shorter side has 256 pixels, the central 224. */
export const imageNet: Convention = {
  side: 224,
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  deviation: [0.229, 0.224, 0.225],
  fit: 'cover',
  crop: 0.875,
  filter: 'bilinear',
};
