import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type BackboneName, backboneNames, ensureBackbone } from '../backbones/index.ts';
import { checkTensors, hasSaved, isCheckpoint, pathOrRun, readNetwork } from '../checkpoints/index.ts';
import { UsageError, UserError } from '../errors.ts';
import type { Network } from '../formats/format.ts';
import type { ImportOptions } from '../formats/import.ts';
import { variablesOf } from '../layers/index.ts';
import { layersFor } from '../models/model.ts';
import { type HeldBack, readHeldBack } from '../runs/held_back.ts';
import type { Start } from '../transfer/new_head.ts';

/** A trained network to start from, and where it comes from. */
export interface NamedStart extends Start {
  /** As it was given: a path, or a backbone's name. */
  name: string;
  /** The pictures that it has learned from and those that it has not, where a run of ours says so. */
  heldBack?: HeldBack | undefined;
}

/** What the user knows about a file of another program, as `import` takes it. */
export type StartHints = Omit<ImportOptions, 'size' | 'features'>;

/** How a start is looked for. */
export interface StartRequest {
  /** Folder of the runs, in which a start may be named. */
  checkpoints: string;
  hints?: StartHints | undefined;
  /** Of the pictures, where a file does not say it. */
  size: { width?: number; height?: number };
  /** Called with what is assumed of a file. */
  assumed?: ((network: Network) => void) | undefined;
  notice(text: string): void;
}

function startFrom(name: string, network: Network): NamedStart {
  const { model, layers, weights, preprocessing } = network;
  const values = new Map([...weights].map(([variable, tensor]) => [variable, tensor.values]));
  return { name, description: { ...model, layers }, weights: values, preprocessing };
}

/** @throws {UserError} where it cannot be had. */
export async function startFromBackbone(
  name: BackboneName,
  notice: (text: string) => void,
): Promise<NamedStart> {
  return startFrom(name, await ensureBackbone(name, notice));
}

async function startFromCheckpoint(path: string, notice: (text: string) => void): Promise<NamedStart> {
  const { checkpoint, weights } = await readNetwork(path, 'best', notice);
  const { model, preprocessing } = checkpoint.manifest;
  const layers = layersFor(model, new Map(weights));
  checkTensors(checkpoint, 'weights.bin', layers.flatMap(variablesOf));
  const heldBack = await readHeldBack(dirname(checkpoint.folder));
  return { name: path, description: { ...model, layers }, weights, preprocessing, heldBack };
}

async function startFromFile(path: string, { hints, size, assumed }: StartRequest): Promise<NamedStart> {
  const { importNetwork } = await import('../formats/import.ts');
  const { network } = await importNetwork(path, { ...hints, size, features: true });
  assumed?.(network);
  return startFrom(path, network);
}

/**
 * Reads the network that `--from` names: a checkpoint, a run (its best checkpoint) or its name, a file or folder of another
 * program, or a backbone.
 * @throws {UserError} where there is none, or it cannot be read.
 */
export async function readStart(from: string, request: StartRequest): Promise<NamedStart> {
  const { checkpoints, hints, notice } = request;
  const path = pathOrRun(from, checkpoints);
  const backbone = backboneNames.find((name) => name === path);
  const isOurs = isCheckpoint(path) || (await hasSaved(path));
  if (existsSync(path) && !isOurs) return startFromFile(path, request);
  if (hints && Object.keys(hints).length > 0)
    throw new UsageError(
      `${from} is a network of bat-sup, which says how it is read; leave out the flags for files.`,
    );
  if (existsSync(path)) return startFromCheckpoint(path, notice);
  if (backbone) return startFromBackbone(backbone, notice);
  throw new UserError(
    `from names "${from}", which does not exist; give the path of a checkpoint, a run or a network of another program.`,
  );
}
