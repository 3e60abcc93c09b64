/** What world.long.test.ts has each rank do. Rank 0 prints what all have told it, as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { joinWorld, memory, RankFailed } from '../../src/cluster/index.ts';

/** How the C library's memory functions begin. */
function memoryFunctions(): [name: string, code: string][] {
  if (process.platform !== 'linux') return [];
  const library = koffi.load('libc.so.6');
  const code = (name: string) => String(koffi.decode(library.symbol(name), 'uint8', 8));
  return ['mmap', 'munmap', 'brk', 'sbrk'].map((name) => [name, code(name)]);
}

const functions = new Map(memoryFunctions());
const world = await joinWorld();
if (!world) throw new Error('not launched');
const { rank, size } = world;
const filled = <T extends { fill(value: number): T }>(values: T, value: number) => values.fill(value);

if (process.argv[2] === 'fail') {
  try {
    await world.barrier();
    // Rank 1 fails while the others wait for it.
    if (rank === 1) await world.leave(new Error('no disk is left'));
    await world.barrier();
  } catch (error) {
    if (!(error instanceof RankFailed)) throw error;
    console.log(JSON.stringify({ rank, told: error.message.replace(/ on \S+:/, ' on HOST:') }));
    process.exitCode = 3;
  }
} else {
  // Several at once, of all kinds.
  const sum = filled(memory(Float32Array, 3), rank + 1);
  const exact = filled(memory(Float64Array, 1), 2 ** 40 + rank);
  const mine = filled(memory(Float32Array, 2), rank);
  const all = memory(Float32Array, 2 * size);
  const given = memory(Uint16Array, size).map((_, to) => 10 * rank + to);
  const taken = memory(Uint16Array, size);
  const sent = filled(memory(Uint8Array, 2), rank === 0 ? 7 : 0);
  await Promise.all([
    world.allreduce(sum),
    world.allreduce(exact),
    world.allgather(mine, all),
    world.alltoall(given, taken),
    world.broadcast(sent),
  ]);
  const shared = await world.share({ of: rank });
  // By the clock that all processes of a machine share.
  const clock = () => Number(process.hrtime.bigint());
  const turn = await world.inTurn(async () => {
    const began = clock();
    await sleep(20);
    return { began, ended: clock() };
  });
  const own = { sum, exact, all, taken, sent };
  const plain = Object.fromEntries(Object.entries(own).map(([name, values]) => [name, [...values]]));
  const { localRank, localSize, version } = world;
  const rewritten = memoryFunctions().flatMap(([name, code]) => (code === functions.get(name) ? [] : name));
  console.log(
    JSON.stringify({ rank, size, ...plain, shared, turn, localRank, localSize, version, rewritten }),
  );
  await world.leave();
}
