export { readCalibration, type StoredCalibration, saveCalibration } from './calibration.ts';
export { compareMetrics } from './compare.ts';
export { bestOf, type Checkpoint, findCheckpoint, listCheckpoints, newestRun, nextRunName } from './find.ts';
export { loadTensors } from './load.ts';
export type { CheckpointInfo, Manifest, Metrics, NamedTensor, Position } from './manifest.ts';
export { removeOldCheckpoints, saveCheckpoint } from './save.ts';
