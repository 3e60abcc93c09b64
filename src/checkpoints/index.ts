export { readCalibration, readTemperature, type StoredCalibration, saveCalibration } from './calibration.ts';
export { compareMetrics } from './compare.ts';
export {
  bestOf,
  betterRun,
  type Checkpoint,
  findCheckpoint,
  foldersIn,
  hasSaved,
  listCheckpoints,
  newestRun,
  nextRunName,
} from './find.ts';
export {
  checkTensors,
  findIntact,
  loadTensors,
  readNetwork,
  type StoredNetwork,
  verifyCheckpoint,
} from './load.ts';
export { isRunRemoved, lockRun } from './lock.ts';
export type { CheckpointInfo, FileName, Manifest, Metrics, Position } from './manifest.ts';
export { removeOldCheckpoints, saveCheckpoint } from './save.ts';
