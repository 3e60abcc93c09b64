/**
 * A job is the work of one kernel cut into chunks, which the main thread and the workers claim one by one. Chunks never
 * share an output, and the result of a chunk does not depend on the thread that computes it, so any number of threads
 * gives the same bits.
 *
 * The control block, in 32-bit words:
 *   0 generation of the job   1 ticket: generation << 16 | next chunk   2 chunks   3 chunks done   4 kernel
 *   16... the kernel's arguments
 */
import { runChunk } from './dispatch';

const GENERATION: usize = 0;
const TICKET: usize = 4;
const CHUNKS: usize = 8;
const DONE: usize = 12;
const KERNEL: usize = 16;
const ARGUMENTS: usize = 64;

/** Spin before sleeping: waking a thread takes longer than the typical gap between two jobs. */
const SPINS: i32 = 20000;

// @ts-ignore: decorator
@inline
function generationOf(ticket: i32): i32 {
  return (ticket >> 16) & 0xffff;
}

/** Claims and computes chunks until none is left. */
function claimChunks(control: usize): void {
  while (true) {
    // A new job is being written; drawing tickets meanwhile could overflow the counter.
    if (generationOf(atomic.load<i32>(control + TICKET)) != atomic.load<i32>(control + GENERATION)) continue;
    const ticket = atomic.add<i32>(control + TICKET, 1);
    const chunks = atomic.load<i32>(control + CHUNKS);
    // A ticket of the previous job, drawn while the new one was being written: draw again.
    if (generationOf(ticket) != atomic.load<i32>(control + GENERATION)) continue;
    const chunk = ticket & 0xffff;
    if (chunk >= chunks) return;
    runChunk(load<i32>(control + KERNEL), control + ARGUMENTS, chunk, chunks);
    if (atomic.add<i32>(control + DONE, 1) + 1 == chunks) atomic.notify(control + DONE, 1);
  }
}

/** On the main thread, after the arguments are written: runs the kernel on all threads and returns when it is done. */
export function runJob(control: usize, kernel: i32, chunks: i32): void {
  const generation = (atomic.load<i32>(control + GENERATION) + 1) & 0xffff;
  // In this order: a late claim for the previous job must see the new generation before anything else that is new.
  atomic.store<i32>(control + GENERATION, generation);
  atomic.store<i32>(control + CHUNKS, chunks);
  atomic.store<i32>(control + DONE, 0);
  store<i32>(control + KERNEL, kernel);
  atomic.store<i32>(control + TICKET, generation << 16);
  if (chunks > 1) atomic.notify(control + GENERATION, -1);
  claimChunks(control);
  let spins = 0;
  while (true) {
    const done = atomic.load<i32>(control + DONE);
    if (done == chunks) return;
    if (++spins > SPINS) atomic.wait<i32>(control + DONE, done, 1000000);
  }
}

/** The loop of a worker; it ends with its thread. */
export function workerLoop(control: usize): void {
  let seen = atomic.load<i32>(control + GENERATION);
  claimChunks(control);
  while (true) {
    let spins = 0;
    while (atomic.load<i32>(control + GENERATION) == seen) {
      if (++spins > SPINS) atomic.wait<i32>(control + GENERATION, seen, -1);
    }
    seen = atomic.load<i32>(control + GENERATION);
    claimChunks(control);
  }
}
