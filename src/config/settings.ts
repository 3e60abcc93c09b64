import type { OperationSetting } from '../augment/pipeline.ts';
import { architectureChoices } from '../models/index.ts';

/**
 * Every setting in one place. A flag, an environment variable, a line of `bat-sup config` and the
 * type of config.ts all follow from its entry here.
 */

/** How one setting's value is checked. `parse` gives undefined for a value that is not allowed. */
interface Kind<T> {
  allowed: string;
  /** In words, where there are not too many to list. */
  choices?: readonly string[];
  /** What stands for the value in the help, where its type does not tell. */
  placeholder?: string;
  parse(value: unknown): T | undefined;
}

export interface Setting<T> extends Kind<T> {
  default: T;
  description: string;
}

function number(allowed: string, test: (value: number) => boolean): Kind<number> {
  return {
    allowed,
    parse(value) {
      const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      return typeof parsed === 'number' && Number.isFinite(parsed) && test(parsed) ? parsed : undefined;
    },
  };
}

function integer(least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> {
  const allowed =
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number, ${least} or more`
      : `a whole number from ${least} to ${most}`;
  return number(allowed, (value) => Number.isInteger(value) && value >= least && value <= most);
}

const share = number('a number from 0 to below 1', (value) => value >= 0 && value < 1);

const path: Kind<string> = {
  allowed: 'the path of a folder',
  placeholder: 'folder',
  parse: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

function oneOf<const T extends string>(...choices: T[]): Kind<T> {
  return {
    allowed: `one of ${choices.join(', ')}`,
    choices,
    parse: (value) => choices.find((choice) => choice === value),
  };
}

function isOperation(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'object' && value !== null && 'operation' in value;
}

/** Which operations and parameters there are is checked where they are used, and not loaded for every command. */
const operations: Kind<OperationSetting[]> = {
  allowed: 'a list of operations, each a name or { operation: name, parameters }',
  parse(value) {
    const list = typeof value === 'string' ? parseList(value) : value;
    return Array.isArray(list) && list.length > 0 && list.every(isOperation) ? list : undefined;
  },
};

const operationsOfClasses: Kind<Record<string, OperationSetting[]>> = {
  allowed: 'an object with a list of operations for some classes: { text: ["rotate"] }',
  parse(value) {
    const given = typeof value === 'string' ? parseJson(value) : value;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
    const lists = Object.entries(given).map(([name, list]) => [name, operations.parse(list)]);
    return lists.every(([, list]) => list !== undefined) ? Object.fromEntries(lists) : undefined;
  },
};

/** Names with commas, or JSON. */
function parseList(text: string): unknown {
  return text.trim().startsWith('[') ? parseJson(text) : text.split(',').map((name) => name.trim());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const channels: Kind<1 | 3> = {
  allowed: '1 (grey) or 3 (colour)',
  choices: ['1', '3'],
  parse(value) {
    if (value === 1 || value === '1') return 1;
    return value === 3 || value === '3' ? 3 : undefined;
  },
};

function setting<T>(kind: Kind<T>, value: NoInfer<T>, description: string): Setting<T> {
  return { ...kind, default: value, description };
}

/** The defaults are the article's wherever it names one. */
export const settings = {
  rawData: setting(path, 'rawdata', 'folder of your pictures, one folder a class'),
  data: setting(path, 'data', 'folder of the resized pictures'),
  checkpoints: setting(path, 'checkpoints', 'folder of checkpoints and TensorBoard logs'),

  width: setting(integer(8, 4096), 100, 'width of a resized picture, pixels'),
  height: setting(integer(8, 4096), 100, 'height of a resized picture, pixels'),
  channels: setting(channels, 3, '1: grey (BT.601 luma), 3: RGB'),
  fit: setting(
    oneOf('fill', 'cover', 'contain'),
    'fill',
    'how a picture meets the size: stretched, cropped, or padded with white',
  ),

  augment: setting(
    oneOf('off', 'online'),
    'off',
    'online: training varies each picture anew in each epoch, by the operations',
  ),
  augmentTarget: setting(integer(1), 3810, 'pictures a class that augment makes up to'),
  augmentOperations: setting(
    operations,
    ['flipLeftRight', 'rotate', 'zoom', 'shift', 'shear', 'brightness', 'contrast', 'colour'],
    'what augment does to a picture: names, or JSON with parameters',
  ),
  augmentClasses: setting(
    operationsOfClasses,
    {},
    'other operations for some classes, as JSON: {"text": ["rotate"]}',
  ),

  recipe: setting(
    oneOf('article', 'best'),
    'article',
    'best: other defaults for how to train, which learn better; what you set yourself stays',
  ),
  architecture: setting(
    oneOf(...architectureChoices),
    'article',
    'network, by its file in src/models; auto chooses by the number of classes',
  ),
  epochs: setting(integer(1), 300, 'times that training sees every picture'),
  batchSize: setting(
    integer(1, 4096),
    10,
    'pictures a training step (of each process, where MPI starts several)',
  ),
  learningRate: setting(
    number('a number above 0, at most 1', (value) => value > 0 && value <= 1),
    0.001,
    "Adam's learning rate",
  ),
  scaleLearningRate: setting(
    oneOf('off', 'linear', 'sqrt'),
    'off',
    'where MPI starts several processes: the learning rate times their number, or times its square root',
  ),
  learningRateSchedule: setting(
    oneOf('constant', 'cosine', 'step'),
    'constant',
    'how the learning rate falls: not, to 0 along a cosine, or to a tenth after 1/2 and again after 3/4',
  ),
  warmup: setting(
    number('a number, 0 or more', (value) => value >= 0),
    0,
    'epochs over which the learning rate rises to its value',
  ),
  weightDecay: setting(
    number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
    0,
    'share of each weight, times the learning rate, that a step takes away (AdamW)',
  ),
  clipNorm: setting(
    number('a number, 0 or more', (value) => value >= 0),
    0,
    'most that the norm of all gradients together may be (0: no limit)',
  ),
  dropout: setting(share, 0, 'share of the features before the logits that training drops at random'),
  labelSmoothing: setting(share, 0, 'share of each label that is spread over all classes'),
  classWeights: setting(
    oneOf('off', 'balanced'),
    'off',
    'balanced: pictures of rare classes count more, so that all classes count alike',
  ),
  ema: setting(share, 0, 'decay of the moving average of the weights that answers in their place (0: none)'),
  earlyStopping: setting(
    integer(0),
    0,
    'epochs without a better validation after which training ends (0: never)',
  ),
  validationSplit: setting(
    number('a number from 0 to 0.9', (value) => value >= 0 && value <= 0.9),
    0.2,
    'share of the pictures held back for validation',
  ),
  seed: setting(integer(0, 2 ** 31 - 1), 1, 'seed of everything random'),

  keepCheckpoints: setting(integer(1), 4, 'newest checkpoints to keep, besides the best'),
  saveEverySteps: setting(integer(0), 0, 'also save every so many steps (0: only after each epoch)'),
  saveEveryMinutes: setting(
    number('a number, 0 or more', (value) => value >= 0),
    10,
    'also save every so many minutes (0: only after each epoch)',
  ),

  engine: setting(
    oneOf('auto', 'cuda', 'native', 'wasm', 'cpu'),
    'auto',
    'what computes; auto takes the fastest that runs here',
  ),
  precision: setting(
    oneOf('float32', 'bf16'),
    'float32',
    'bf16: TensorFlow multiplies in bfloat16, faster and less exact; weights stay float32',
  ),
  gradientCompression: setting(
    oneOf('off', 'float16', 'bfloat16'),
    'off',
    'where MPI starts several processes: 16 bits a number on the way between them',
  ),
  threads: setting(integer(0, 256), 0, 'threads of the engine (0: every core)'),
  workers: setting(integer(0, 256), 0, 'pictures worked on at once (0: by the number of cores)'),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
export type Settings = { [Name in SettingName]: (typeof settings)[Name]['default'] };

/** What config.ts default-exports: any of the settings. */
export type Config = Partial<Settings>;

export const settingNames = Object.keys(settings) as SettingName[];

/** batchSize -> batch-size */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** batchSize -> BATSUP_BATCH_SIZE */
export function environmentName(name: SettingName): string {
  return `BATSUP_${flagName(name).replaceAll('-', '_').toUpperCase()}`;
}
