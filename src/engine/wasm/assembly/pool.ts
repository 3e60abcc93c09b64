/**
 * A job is one kernel's work cut into chunks, which the main thread and the workers claim one by one. Chunks never
 * share an output, and what a chunk computes does not depend on who computes it: any number of threads gives the
 * same bits.
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

/** Waking a sleeping thread takes longer than a typical gap between two jobs. */
const SPINS: i32 = 20000;

// @ts-ignore: decorator
@inline
function generationOf(ticket: i32): i32 {
  return (ticket >> 16) & 0xffff;
}

/** Works on chunks until none is left. */
function claimChunks(control: usize): void {
  while (true) {
    // Between the two stores of a new job; drawing tickets meanwhile could overflow the counter.
    if (generationOf(atomic.load<i32>(control + TICKET)) != atomic.load<i32>(control + GENERATION)) continue;
    const ticket = atomic.add<i32>(control + TICKET, 1);
    const chunks = atomic.load<i32>(control + CHUNKS);
    // A ticket of the job before, drawn as the new one was being written: draw again.
    if (generationOf(ticket) != atomic.load<i32>(control + GENERATION)) continue;
    const chunk = ticket & 0xffff;
    if (chunk >= chunks) return;
    runChunk(load<i32>(control + KERNEL), control + ARGUMENTS, chunk, chunks);
    if (atomic.add<i32>(control + DONE, 1) + 1 == chunks) atomic.notify(control + DONE, 1);
  }
}

/** On the main thread: the arguments are written, the kernel runs on all threads, and is done on return. */
export function runJob(control: usize, kernel: i32, chunks: i32): void {
  const generation = (atomic.load<i32>(control + GENERATION) + 1) & 0xffff;
  // In this order: a late claim of the job before must see the new generation before anything else new.
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

/** A worker's life: it never returns, and ends with its thread. */
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
