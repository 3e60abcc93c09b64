import type { Format } from './format.ts';
import { keras } from './keras/index.ts';
import { onnx } from './onnx/index.ts';
import { pytorch } from './pytorch/index.ts';
import { safetensors } from './safetensors/index.ts';
import { savedModel, tfCheckpoint } from './tensorflow/index.ts';
import { tfjs } from './tfjs/index.ts';
import { tflite } from './tflite/index.ts';
import { web } from './web/index.ts';

export { type ExportOptions, type Format, type Network, weightTypes } from './format.ts';

/** Every format that `--format` can name. The command line's help reads them, so each loads its code when it is used. */
export const formats: Record<string, Format> = {
  'tf-checkpoint': tfCheckpoint,
  'saved-model': savedModel,
  tfjs,
  web,
  keras,
  onnx,
  safetensors,
  pytorch,
  tflite,
};
