import type { Format } from '../format.ts';

export const tfCheckpoint: Format = {
  description: 'TensorFlow 1’s .meta, .index and .data files, as the article keeps them',
  output: 'tf-checkpoint',
  readsBgr: true,
  async export(network, target) {
    const { exportCheckpoint } = await import('./export_checkpoint.ts');
    await exportCheckpoint(network, target);
  },
  async import(source) {
    const { importCheckpoint } = await import('./import_checkpoint.ts');
    return importCheckpoint(source);
  },
  async recognises(source) {
    const { isCheckpoint } = await import('./find_files.ts');
    return isCheckpoint(source);
  },
};

export const savedModel: Format = {
  description: 'TensorFlow’s SavedModel, for TensorFlow 2 and TensorFlow Serving',
  output: 'saved-model',
  readsBgr: true,
  async export(network, target) {
    const { exportSavedModel } = await import('./export_saved_model.ts');
    await exportSavedModel(network, target);
  },
};
