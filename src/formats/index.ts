import type { Format } from './format.ts';
import { savedModel, tfCheckpoint } from './tensorflow/index.ts';

export type { Format, Network } from './format.ts';

/** Every format that `--format` can name. The command line's help reads them, so each loads its code when it is used. */
export const formats: Record<string, Format> = {
  'tf-checkpoint': tfCheckpoint,
  'saved-model': savedModel,
};
