import type { HalfPrecision } from './half_precision.ts';
import { memory } from './mpi.ts';
import type { World } from './world.ts';

/** An all-reduce (sum) of values of a fixed length. */
export interface CompressedAllreduce {
  /**
   * Starts the first half. The sums replace the values.
   * @returns a function that runs the second half; all ranks must call theirs in the same order.
   */
  start(values: Float32Array): () => Promise<void>;
}

/**
 * An all-reduce that sends 16 bits per number and sums in float32. MPI cannot sum such numbers, so each rank sums one part
 * (a reduce-scatter by all-to-all) and sends it to the others (all-gather): the volume is that of a ring all-reduce.
 */
export function compressedAllreduce(
  world: World,
  length: number,
  format: HalfPrecision,
): CompressedAllreduce {
  const { size } = world;
  const part = Math.ceil(length / size);
  const encoded = format.length(part);
  const [sent, received] = [memory(Uint16Array, size * encoded), memory(Uint16Array, size * encoded)];
  const mine = memory(Uint16Array, encoded);
  const [some, sum] = [memory(Float32Array, part), memory(Float32Array, part)];
  const piece = (all: Uint16Array, rank: number) => all.subarray(rank * encoded, (rank + 1) * encoded);
  const partOf = (values: Float32Array, rank: number) => values.subarray(rank * part, (rank + 1) * part);

  async function finish(values: Float32Array): Promise<void> {
    format.decode(piece(received, 0), sum);
    for (let rank = 1; rank < size; rank++) {
      format.decode(piece(received, rank), some);
      for (let i = 0; i < part; i++) sum[i] = (sum[i] as number) + (some[i] as number);
    }
    format.encode(sum, mine);
    await world.allgather(mine, sent);
    for (let rank = 0; rank < size; rank++) format.decode(piece(sent, rank), partOf(values, rank));
  }

  return {
    start(values) {
      for (let rank = 0; rank < size; rank++) format.encode(partOf(values, rank), piece(sent, rank));
      const exchanged = world.alltoall(sent, received);
      exchanged.catch(() => {}); // thrown by the second half
      return async () => {
        await exchanged;
        await finish(values);
      };
    },
  };
}

/**
 * An all-gather that sends 16 bits per number. A rank's own values are rounded too, so that all ranks get the same.
 * @param all size times as long as `mine`; gets the values of all ranks.
 */
export async function allgatherCompressed(
  world: World,
  mine: Float32Array,
  all: Float32Array,
  format: HalfPrecision,
): Promise<void> {
  const length = format.length(mine.length);
  const sent = memory(Uint16Array, length);
  const received = memory(Uint16Array, length * world.size);
  format.encode(mine, sent);
  await world.allgather(sent, received);
  for (let rank = 0; rank < world.size; rank++) {
    const target = all.subarray(rank * mine.length, (rank + 1) * mine.length);
    format.decode(received.subarray(rank * length, (rank + 1) * length), target);
  }
}
