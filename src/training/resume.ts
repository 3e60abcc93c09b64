import type { Checkpoint } from '../checkpoints/index.ts';
import { UserError } from '../errors.ts';
import type { ModelDescription } from '../models/model.ts';

/** The layers of an imported network, which no setting names. */
export function importedLayers(
  resume: Checkpoint | undefined,
): Pick<ModelDescription, 'architecture' | 'layers'> | undefined {
  const { architecture, layers } = resume?.manifest.model ?? {};
  return architecture === 'layers' && layers ? { architecture, layers } : undefined;
}

/** @throws {UserError} listing what differs between the network to train and the checkpoint's. */
export function checkSameNetwork({ folder, manifest }: Checkpoint, wanted: ModelDescription): void {
  const saved = manifest.model;
  const keys = Object.keys(wanted) as (keyof ModelDescription)[];
  const differences = keys
    .filter((key) => String(saved[key]) !== String(wanted[key]))
    .map((key) => `${key} was ${saved[key]}, is ${wanted[key]}`);
  if (differences.length === 0) return;
  throw new UserError(
    `${folder} cannot be resumed: ${differences.join('; ')}. Train anew without --resume, or put these back.`,
  );
}
