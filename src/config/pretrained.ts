import { type BackboneName, defaultBackbone, inputSizes } from '../backbones/names.ts';
import type { Config, Settings } from './settings.ts';

/**
 * For fine-tuning, which starts from a good network: few epochs at a low learning rate, of pictures that differ each time.
 * `npm run bench -- transfer` measures them.
 */
const fineTuning: Config = {
  epochs: 8,
  batchSize: 16,
  learningRate: 0.001,
  learningRateSchedule: 'cosine',
  warmup: 1,
  labelSmoothing: 0.1,
  ema: 0,
  augment: 'online',
  augmentOperations: [
    'flipLeftRight',
    { operation: 'shift', probability: 1, horizontal: 0.1, vertical: 0.1 },
    { operation: 'zoom', probability: 1, minFactor: 0.75, maxFactor: 1.25 },
    { operation: 'rotate', probability: 1, maxLeft: 11, maxRight: 11 },
    'hsvShift',
  ],
};

/** The backbone that a value of `--pretrained` stands for; undefined: none. */
export function backboneOf(pretrained: Settings['pretrained'] = 'off'): BackboneName | undefined {
  if (pretrained === 'off') return undefined;
  return pretrained === 'auto' ? defaultBackbone : pretrained;
}

/** The settings that say what a training starts from and what learns; runs of older versions lack some. */
export type StartSettings = {
  [Name in 'pretrained' | 'from' | 'fineTune' | 'freeze']?: Settings[Name] | undefined;
};

/** Whether the settings start from a trained network, named by `--pretrained` or given by `--from`. */
export function hasStart({ pretrained = 'off', from = 'off' }: StartSettings): boolean {
  return pretrained !== 'off' || from !== 'off';
}

/** Defaults that replace those of settings.ts and of the recipes where training starts from a trained network. */
export function startDefaults({ pretrained, from }: StartSettings): Config {
  const backbone = backboneOf(pretrained);
  if (backbone) return { width: inputSizes[backbone], height: inputSizes[backbone], ...fineTuning };
  return hasStart({ from }) ? fineTuning : {};
}

/** Whether the settings train a head on the features of a trained network, and nothing else. */
export function isHeadOnly(settings: StartSettings): boolean {
  return hasStart(settings) && settings.fineTune === 0 && !hasFrozen(settings);
}

/** Whether the settings name the layers that do not learn, while all others do. */
export function hasFrozen({ freeze = [] }: StartSettings): boolean {
  return freeze.length > 0;
}
