import { type BackboneName, defaultBackbone, inputSizes } from '../backbones/names.ts';
import type { Config, Settings } from './settings.ts';

/** For fine-tuning, which starts from a good network: few epochs at a low learning rate. */
const fineTuning: Config = {
  epochs: 10,
  batchSize: 16,
  learningRate: 0.0001,
  learningRateSchedule: 'cosine',
  warmup: 1,
  ema: 0.99,
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
