import { threadModule } from '../system/thread_module.ts';
import type { Listing } from './listing.ts';

/** A listing that is being made. */
export interface PendingListing {
  result: Promise<Listing>;
  /** Ends the thread, whether it is done or not. */
  stop(): Promise<void>;
}

/** Lists a folder in a thread of its own, while this one starts an engine. */
export async function listInThread(folder: string): Promise<PendingListing> {
  const { Piscina } = await import('piscina');
  const thread = new Piscina<string, Listing>({
    filename: threadModule('./listing', import.meta.url),
    minThreads: 1,
    maxThreads: 1,
    // Nearly all objects are what the system says of one file: room for them saves a hundred collections.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  const result = thread.run(folder, { name: 'listFiles' });
  result.catch(() => {}); // whoever awaits it learns of it; until then it is not unhandled
  return { result, stop: () => thread.destroy() };
}
