import { joinWorld, type World } from '../cluster/index.ts';
import { takeGpu, threadsOf } from '../cluster/share_machine.ts';
import { readSettings, type Settings } from '../config/index.ts';

/**
 * Runs a command on every rank that an MPI launcher started; `world` is undefined without MPI. Only rank 0 prints, and
 * its exit code is that of the job; an error on any rank ends all ranks.
 */
export async function onRanks(work: (world: World | undefined) => Promise<void>): Promise<void> {
  const world = await joinWorld();
  if (!world) return work(undefined);
  if (world.rank > 0) {
    console.log = () => {};
    console.error = () => {};
  }
  try {
    await work(world);
  } catch (error) {
    await world.leave(error);
    throw error;
  }
  await world.leave();
}

/** Rank 0 reads and broadcasts the result. */
export async function readTogether<T>(world: World | undefined, read: () => Promise<T>): Promise<T> {
  if (!world) return read();
  return world.share(world.rank === 0 ? await read() : (undefined as T));
}

/** Rank 0's settings for processing pictures. Under MPI, each rank by default processes `perCore` pictures per core of its own at once. */
export async function readPictureSettings(
  flags: Record<string, unknown>,
  world: World | undefined,
  perCore: number,
): Promise<Settings> {
  const settings = await readTogether(world, () => readSettings(flags));
  if (!world) return settings;
  return { ...settings, workers: settings.workers || perCore * threadsOf(world) };
}

/** The settings for this rank's engine: its share of the cores, and its GPU. */
export async function withShareOfMachine(settings: Settings, world: World | undefined): Promise<Settings> {
  if (!world) return settings;
  if (settings.engine === 'auto' || settings.engine === 'cuda') await takeGpu(world);
  return { ...settings, threads: settings.threads || threadsOf(world) };
}

/** Rank 0's settings for an engine. */
export async function readEngineSettings(
  flags: Record<string, unknown>,
  world: World | undefined,
): Promise<Settings> {
  return withShareOfMachine(await readTogether(world, () => readSettings(flags)), world);
}
