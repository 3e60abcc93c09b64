import { type BackboneName, defaultBackbone, inputSizes } from '../backbones/names.ts';
import type { Config, Settings } from './settings.ts';

/**
 * For fine-tuning, which starts from a good network: few epochs at a low learning rate, of pictures that differ each time.
 * `npm run bench -- transfer` measures them.
 */
const fineTuning: Config = {
  epochs: 8,
  batchSize: 16,
  learningRate: 0.0003,
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

/** Defaults that replace those of settings.ts and of the recipes where training starts from a backbone. */
export function pretrainedDefaults(pretrained: Settings['pretrained'] | undefined): Config {
  const backbone = backboneOf(pretrained);
  if (backbone === undefined) return {};
  return { width: inputSizes[backbone], height: inputSizes[backbone], ...fineTuning };
}

/** Whether the settings train a head on a backbone's features, and nothing else. */
export function isHeadOnly({ pretrained, fineTune }: Pick<Settings, 'pretrained' | 'fineTune'>): boolean {
  return pretrained !== 'off' && fineTune === 0;
}
