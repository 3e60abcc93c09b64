import { withOurSpelling } from '../augment/american_spelling.ts';
import type { OperationSetting } from '../augment/registry.ts';
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
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`;
  return number(allowed, (value) => Number.isInteger(value) && value >= least && value <= most);
}

const share = number('a number of at least 0 and below 1', (value) => value >= 0 && value < 1);

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
    return Array.isArray(list) && list.length > 0 && list.every(isOperation)
      ? list.map(withOurSpelling)
      : undefined;
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
  rawData: setting(path, 'rawdata', 'folder of your pictures, one folder per class'),
  data: setting(path, 'data', 'folder of the resized pictures'),
  checkpoints: setting(path, 'checkpoints', 'folder of checkpoints and TensorBoard logs'),

  width: setting(integer(8, 4096), 100, 'width of the resized pictures, in pixels'),
  height: setting(integer(8, 4096), 100, 'height of the resized pictures, in pixels'),
  channels: setting(channels, 3, 'colour channels; 1: grey (BT.601 luma), 3: RGB'),
  fit: setting(
    oneOf('fill', 'cover', 'contain'),
    'fill',
    'how pictures are fitted to the size: stretched, cropped, or padded with white',
  ),

  augment: setting(
    oneOf('off', 'online'),
    'off',
    'online: vary each picture anew in each epoch, by the operations',
  ),
  augmentTarget: setting(integer(1), 3810, 'pictures per class that augment makes up to'),
  augmentOperations: setting(
    operations,
    ['flipLeftRight', 'rotate', 'zoom', 'shift', 'shear', 'brightness', 'contrast', 'colour'],
    'operations of augment: names, or JSON with parameters',
  ),
  augmentClasses: setting(
    operationsOfClasses,
    {},
    'other operations for some classes, as JSON: {"text": ["rotate"]}',
  ),

  recipe: setting(
    oneOf('article', 'best'),
    'article',
    'best: defaults that learn better; what you set yourself stays',
  ),
  architecture: setting(
    oneOf(...architectureChoices),
    'article',
    'network; auto chooses by the number of classes',
  ),
  epochs: setting(integer(1), 300, 'passes over all pictures'),
  batchSize: setting(
    integer(1, 4096),
    10,
    'pictures per training step (of each process, where MPI starts several)',
  ),
  learningRate: setting(
    number('a number above 0 and at most 1', (value) => value > 0 && value <= 1),
    0.001,
    "Adam's learning rate",
  ),
  scaleLearningRate: setting(
    oneOf('off', 'linear', 'sqrt'),
    'off',
    'with MPI: multiply the learning rate by the number of processes, or by its square root',
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
  dropout: setting(share, 0, 'share of the features before the logits to drop in training'),
  labelSmoothing: setting(share, 0, 'share of each label to spread over all classes'),
  classWeights: setting(
    oneOf('off', 'balanced'),
    'off',
    'balanced: weight the loss so that all classes count alike',
  ),
  ema: setting(share, 0, 'decay of the moving average of the weights, which is used to predict (0: none)'),
  earlyStopping: setting(integer(0), 0, 'stop after this many epochs without improvement (0: never)'),
  validationSplit: setting(
    number('a number from 0 to 0.9', (value) => value >= 0 && value <= 0.9),
    0.2,
    'share of the pictures to hold back for validation',
  ),
  groupLookalikes: setting(
    oneOf('on', 'off'),
    'on',
    'on: copies, resized or slightly changed, are held back together or not at all',
  ),
  seed: setting(integer(0, 2 ** 31 - 1), 1, 'seed of everything random'),

  keepCheckpoints: setting(integer(1), 4, 'newest checkpoints to keep, besides the best'),
  saveEverySteps: setting(integer(0), 0, 'also save every so many steps (0: only after each epoch)'),
  saveEveryMinutes: setting(
    number('a number of at least 0', (value) => value >= 0),
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
    'bf16: multiply in bfloat16, faster and less exact; weights stay float32',
  ),
  gradientCompression: setting(
    oneOf('off', 'float16', 'bfloat16'),
    'off',
    'with MPI: send gradients with 16 bits per number',
  ),
  threads: setting(integer(0, 256), 0, 'threads of the engine (0: every core)'),
  workers: setting(integer(0, 256), 0, 'pictures processed at once (0: by the number of cores)'),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
export type Settings = { [Name in SettingName]: (typeof settings)[Name]['default'] };

/** What config.ts default-exports: any of the settings. */
export type Config = Partial<Settings>;

export const settingNames = Object.keys(settings) as SettingName[];

export const defaults = Object.fromEntries(
  settingNames.map((name) => [name, settings[name].default]),
) as unknown as Settings;

/** Settings of the machine, not of a run: where its files are, and what computes. A resumed run does not keep them. */
export const machineSettings: readonly SettingName[] = ['checkpoints', 'engine', 'threads', 'workers'];

/** batchSize -> batch-size */
export function flagName(name: SettingName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** batchSize -> BATSUP_BATCH_SIZE */
export function environmentName(name: SettingName): string {
  return `BATSUP_${flagName(name).replaceAll('-', '_').toUpperCase()}`;
}
