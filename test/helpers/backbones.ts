import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackboneName, backbones } from '../../src/backbones/index.ts';
import { needs } from './needs.ts';

const folder = fileURLToPath(new URL('../../.cache/wheels', import.meta.url));

/** The wheel of a backbone, which scripts/prepare.mjs --all downloads. */
export const wheelOf = (name: BackboneName) => join(folder, backbones[name].wheel.name);

/** Why a test that needs wheels is skipped, or false if it can run. */
export function withoutWheels(...names: BackboneName[]): string | false {
  return needs(
    `the wheels of ${names.join(', ')}`,
    names.every((name) => existsSync(wheelOf(name))),
  );
}
