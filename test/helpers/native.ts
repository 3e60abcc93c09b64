import { findInstallation } from '../../src/engine/native/installation.ts';

/** Why a test of the native engine is skipped; false where it can run. In CI it must. */
export function withoutNative(): string | false {
  if (findInstallation() || process.env.CI) return false;
  return 'needs the native engine, which npm test could not set up here';
}
