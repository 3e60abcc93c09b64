import type { OperationSetting } from '../augment/registry.ts';
import { backboneNames, defaultBackbone } from '../backbones/names.ts';
import { architectureChoices } from '../models/index.ts';
import { withOurSpelling } from '../text/american_spelling.ts';

/**
 * Every setting in one place. Its flag, environment variable, line of `bat-sup config`, line of config.ts and type
 * all follow from its entry here.
 */

/** A kind of value. */
interface Kind<T> {
  /** Completes "must be ...". */
  allowed: string;
  /** All values, where they are few. */
  choices?: readonly string[];
  /** Stands for the value in the help: `--data <folder>`. Default: by the type of the setting's default. */
  placeholder?: string;
  /** @returns undefined for a value that is not allowed. */
  parse(value: unknown): T | undefined;
}

export interface Setting<T> extends Kind<T> {
  default: T;
  description: string;
  /** The value of the flag without one: `--pretrained`. Absent: the flag needs a value. */
  alone?: T;
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

function integer(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return number(
    `a whole number ${range}`,
    (value) => Number.isInteger(value) && value >= min && value <= max,
  );
}

const fraction = number('a number of at least 0 and below 1', (value) => value >= 0 && value < 1);

const path: Kind<string> = {
  allowed: 'the path of a folder',
  placeholder: 'folder',
  parse: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

/** A path, or 'off' for none. */
const startPath: Kind<string> = {
  allowed: 'a path, the name of a run, or off',
  placeholder: 'path',
  parse: path.parse,
};

/** A file, or 'off' for none. */
const labelsFile: Kind<string> = {
  allowed: 'the path of a CSV or JSON Lines file, or off',
  placeholder: 'file',
  parse: path.parse,
};

/** Names of layers, separated by commas in a flag; 'none' for none of them. */
const layerNames: Kind<string[]> = {
  allowed: 'a list of names, with * for any letters, or none',
  placeholder: 'layers',
  parse(value) {
    const list = value === 'none' ? [] : typeof value === 'string' ? parseList(value) : value;
    const isNames = Array.isArray(list) && list.every((name) => typeof name === 'string' && name !== '');
    return isNames ? list : undefined;
  },
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

/** Names and parameters of operations are checked where they are used: few commands need to load them. */
const operations: Kind<OperationSetting[]> = {
  allowed: 'a list of operations, each a name or an object: { "operation": "rotate", "maxLeft": 10 }',
  parse(value) {
    const list = typeof value === 'string' ? parseList(value) : value;
    return Array.isArray(list) && list.length > 0 && list.every(isOperation)
      ? list.map(withOurSpelling)
      : undefined;
  },
};

const operationsOfClasses: Kind<Record<string, OperationSetting[]>> = {
  allowed: 'an object that lists operations by class: { "text": ["rotate"] }',
  placeholder: 'json',
  parse(value) {
    const given = typeof value === 'string' ? parseJson(value) : value;
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
    const lists = Object.entries(given).map(([name, list]) => [name, operations.parse(list)]);
    return lists.every(([, list]) => list !== undefined) ? Object.fromEntries(lists) : undefined;
  },
};

/** Names separated by commas, or JSON. */
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

/**
 * The settings, in the order of config.ts, with their defaults: the article's wherever it names one. Each description
 * completes "this setting is ..." and must be understood by someone who reads nothing else.
 */
export const settings = {
  rawData: setting(path, 'rawdata', 'folder of your pictures, one folder per class'),
  data: setting(path, 'data', 'folder of the resized pictures'),
  checkpoints: setting(path, 'checkpoints', 'folder of checkpoints and TensorBoard logs'),

  width: setting(integer(8, 4096), 100, 'width of the resized pictures, in pixels'),
  height: setting(integer(8, 4096), 100, 'height of the resized pictures, in pixels'),
  channels: setting(channels, 3, 'colour channels; grey is BT.601 luma, colour is RGB'),
  fit: setting(
    oneOf('fill', 'cover', 'contain'),
    'fill',
    'how pictures are fitted to the size: stretched, cropped, or padded with white',
  ),
  crop: setting(
    number('a number above 0 and at most 1', (value) => value > 0 && value <= 1),
    1,
    'share of height and width, around the centre, that is used',
  ),
  filter: setting(oneOf('lanczos3', 'bicubic', 'bilinear'), 'lanczos3', 'how pictures are resampled'),

  augment: setting(
    oneOf('off', 'online'),
    'off',
    'online: apply random operations to every picture in each epoch',
  ),
  augmentTarget: setting(integer(1), 3810, 'augment adds copies until each class has this many pictures'),
  augmentOperations: setting(
    operations,
    ['flipLeftRight', 'rotate', 'zoom', 'shift', 'shear', 'brightness', 'contrast', 'colour'],
    'random operations of augmentation: names, or objects with parameters (as JSON in a flag)',
  ),
  augmentClasses: setting(operationsOfClasses, {}, 'other operations for some classes (as JSON in a flag)'),

  multiLabel: {
    ...setting(
      oneOf('off', 'on'),
      'off',
      'on: a picture can show several classes, or none; it lies in the folder of each',
    ),
    alone: 'on',
  },
  labels: setting(
    labelsFile,
    'off',
    'CSV or JSON Lines file with the labels of each picture, for --multi-label; the folders then name no classes',
  ),
  recipe: setting(
    oneOf('article', 'best'),
    'article',
    "best: better defaults than the article's; what you set yourself stays",
  ),
  architecture: setting(
    oneOf(...architectureChoices),
    'article',
    'network architecture; auto chooses by the number of classes',
  ),
  pretrained: {
    ...setting(
      oneOf('off', 'auto', ...backboneNames),
      'off',
      'pre-trained network to start from; auto takes one where it can be had',
    ),
    alone: defaultBackbone,
  },
  from: setting(
    startPath,
    'off',
    'trained network to start from: a checkpoint, a run, or a file of another program',
  ),
  fineTune: {
    ...setting(
      integer(0, 999),
      0,
      'blocks of the network to start from that learn with the head; 0 trains the head alone',
    ),
    alone: 6,
  },
  freeze: setting(
    layerNames,
    [],
    'layers of the network to start from that do not learn; all others do: conv1,norm*, or ..conv5 up to one',
  ),
  epochs: setting(integer(1), 300, 'passes over all pictures'),
  batchSize: setting(integer(1, 4096), 10, 'pictures per training step (per process under MPI)'),
  learningRate: setting(
    number('a number above 0 and at most 1', (value) => value > 0 && value <= 1),
    0.001,
    "Adam's learning rate",
  ),
  scaleLearningRate: setting(
    oneOf('off', 'linear', 'sqrt'),
    'off',
    'under MPI: multiply the learning rate by the number of processes, or by its square root',
  ),
  learningRateSchedule: setting(
    oneOf('constant', 'cosine', 'step'),
    'constant',
    'learning rate over time: constant, cosine decay to 0, or divided by 10 at 1/2 and 3/4',
  ),
  warmup: setting(
    number('a number of at least 0', (value) => value >= 0),
    0,
    'epochs over which the learning rate rises from 0',
  ),
  weightDecay: setting(
    number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
    0,
    'decoupled weight decay (AdamW)',
  ),
  clipNorm: setting(
    number('a number of at least 0', (value) => value >= 0),
    0,
    'clip gradients to this global norm (0: no limit)',
  ),
  dropout: setting(fraction, 0, 'dropout rate before the last layer'),
  labelSmoothing: setting(fraction, 0, 'share of each label to spread over all classes'),
  classWeights: setting(
    oneOf('off', 'balanced'),
    'off',
    'balanced: weight the loss so that all classes count alike',
  ),
  ema: setting(fraction, 0, 'decay of the moving average of the weights, which predict uses (0: none)'),
  earlyStopping: setting(integer(0), 0, 'stop after this many epochs without improvement (0: never)'),
  validationSplit: setting(
    number('a number from 0 to 0.9', (value) => value >= 0 && value <= 0.9),
    0.2,
    'share of the pictures to hold back for validation',
  ),
  unknown: {
    ...setting(
      number('a number from 0 to 0.5', (value) => value >= 0 && value <= 0.5),
      0,
      'answer "unknown" for pictures of no class; share of known pictures that may be, too (0: off)',
    ),
    alone: 0.05,
  },
  groupLookalikes: setting(
    oneOf('on', 'off'),
    'on',
    'on: hold back pictures that look the same together or not at all',
  ),
  seed: setting(integer(0, 2 ** 31 - 1), 1, 'seed of all random numbers'),

  keepCheckpoints: setting(integer(1), 4, 'newest checkpoints to keep, besides the best'),
  saveEverySteps: setting(integer(0), 0, 'also save after this many steps (0: only after each epoch)'),
  saveEveryMinutes: setting(
    number('a number of at least 0', (value) => value >= 0),
    10,
    'also save after this many minutes (0: only after each epoch)',
  ),

  engine: setting(
    oneOf('auto', 'cuda', 'native', 'wasm', 'cpu'),
    'auto',
    'compute engine; auto takes the fastest that runs here',
  ),
  precision: setting(
    oneOf('float32', 'strict', 'bf16'),
    'float32',
    'strict: the same bits on every machine, with wasm; bf16: multiply in bfloat16, less exact',
  ),
  gradientCompression: setting(
    oneOf('off', 'float16', 'bfloat16'),
    'off',
    'under MPI: send gradients with 16 bits per number',
  ),
  threads: setting(integer(0, 256), 0, 'threads of the engine (0: all cores)'),
  workers: setting(integer(0, 256), 0, 'pictures processed at once (0: by the number of cores)'),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
/** All settings. config.ts at the root of the package says what each means and may be. */
export type Settings = { [Name in SettingName]: (typeof settings)[Name]['default'] };

/**
 * What config.ts default-exports: any of the settings.
 * @example
 * ```ts
 * import type { Config } from 'bat-sup';
 *
 * export default { epochs: 50, recipe: 'best' } satisfies Config;
 * ```
 */
export type Config = Partial<Settings>;

export const settingNames = Object.keys(settings) as SettingName[];

export const defaults = Object.fromEntries(
  settingNames.map((name) => [name, settings[name].default]),
) as unknown as Settings;

/** Settings of the machine rather than of a run: where files lie, and what computes. A resumed run does not keep them. */
export const machineSettings: readonly SettingName[] = ['checkpoints', 'engine', 'threads', 'workers'];

/** batchSize -> batch-size */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** batchSize -> BATSUP_BATCH_SIZE */
export function environmentName(name: SettingName): string {
  return `BATSUP_${flagName(name).replaceAll('-', '_').toUpperCase()}`;
}
