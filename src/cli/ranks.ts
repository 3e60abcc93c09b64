import { joinWorld, type World } from '../cluster/index.ts';

/**
 * Runs a command on every rank that an MPI launcher started; `world` is undefined where this process is alone. Rank 0
 * alone prints, and its exit code is that of all; an error on any rank ends all.
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
