import { findInstallation } from '../../src/engine/native/installation.ts';
import { needs } from './needs.ts';

/** Why a test of the native engine is skipped, or false if it can run. */
export function withoutNative(): string | false {
  return needs('the native engine', findInstallation() !== undefined);
}
