import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { type Format, weightTypes } from '../format.ts';

export const tfCheckpoint: Format = {
  description: 'TensorFlow 1’s .meta, .index and .data files, as the article keeps them',
  output: 'tf-checkpoint',
  weights: weightTypes,
  readsBgr: true,
  async export(network, target, options) {
    const { exportCheckpoint } = await import('./export_checkpoint.ts');
    await exportCheckpoint(network, target, options);
  },
  async import(source, hints) {
    const { importCheckpoint } = await import('./import_checkpoint.ts');
    return importCheckpoint(source, hints);
  },
  async recognises(source) {
    const { isCheckpoint } = await import('./find_files.ts');
    return isCheckpoint(source);
  },
};

export const savedModel: Format = {
  description: 'TensorFlow’s SavedModel, for TensorFlow 2 and TensorFlow Serving',
  output: 'saved-model',
  weights: weightTypes,
  readsBgr: true,
  async export(network, target, options) {
    const { exportSavedModel } = await import('./export_saved_model.ts');
    await exportSavedModel(network, target, options);
  },
  async import(source, hints) {
    const { importSavedModel } = await import('./import_saved_model.ts');
    return importSavedModel(source, hints);
  },
  async recognises(source) {
    const { savedModelFile } = await import('./import_saved_model.ts');
    const file = await savedModelFile(source);
    return basename(file) === 'saved_model.pb' && existsSync(file);
  },
};
