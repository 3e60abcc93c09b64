export { readCalibration, readTemperature, type StoredCalibration, saveCalibration } from './calibration.ts';
export { compareMetrics } from './compare.ts';
export { findCheckpoint } from './find.ts';
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
export { pathOrRun } from './place.ts';
export { betterRun, hasSaved, newestRun, nextRunName } from './runs.ts';
export { removeOldCheckpoints, saveCheckpoint, writeCheckpoint } from './save.ts';
export { bestOf, type Checkpoint, foldersIn, isCheckpoint, listCheckpoints } from './scan.ts';
export { readThresholds, saveThresholds } from './thresholds.ts';
export { readUnknown, saveUnknown, type UnknownOfCheckpoint } from './unknown.ts';
