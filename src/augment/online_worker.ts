import { yieldToOthers } from '../system/yield_to_others.ts';
import { makeVary, type OnlineTask } from './online.ts';
import { varyFromRing } from './ring.ts';

/** Runs in the thread until that is ended. */
export default function work({ job, ring }: OnlineTask): Promise<never> {
  // The engine's threads take precedence.
  yieldToOthers();
  return varyFromRing(ring, makeVary(job));
}
