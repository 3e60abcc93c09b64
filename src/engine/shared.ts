import { UserError } from '../errors.ts';
import { type Engine, type EngineName, runningEngine, startEngine } from './index.ts';

/** A process has one engine; it ends when the last of its sharers disposes of it. */
let shared: Promise<Engine> | undefined;
let sharers = 0;
/** The end of the previous shared engine: a new one waits for it, so as not to mistake it for another caller's. */
let ending = Promise.resolve();

function start(name: EngineName | 'auto', threads: number): Promise<Engine> {
  const running = runningEngine();
  // Whoever started it disposes of it.
  if (running) return Promise.resolve({ ...running, dispose: async () => {} });
  return startEngine(name, { threads });
}

/**
 * The engine that runs in this process; where none does yet, starts the requested one.
 * @param name 'auto': whichever engine runs, or else the fastest that starts.
 * @param threads number of threads of an engine that is started; 0: every core.
 * @returns an engine whose `dispose` ends it once every sharer has called it.
 * @throws {UserError} if another engine than the requested one runs.
 */
export async function shareEngine(name: EngineName | 'auto', threads: number): Promise<Engine> {
  sharers++;
  shared ??= ending.then(() => start(name, threads));
  const starting = shared;
  const leave = async () => {
    if (--sharers > 0) return;
    shared = undefined;
    ending = starting.then(
      (engine) => engine.dispose(),
      () => {}, // never started
    );
    await ending;
  };
  try {
    const engine = await starting;
    if (name !== 'auto' && name !== engine.name)
      throw new UserError(
        `This process computes with the engine ${engine.name} already, and there can be one only; ask for it or for none.`,
      );
    let left: Promise<void> | undefined;
    return {
      ...engine,
      dispose() {
        left ??= leave();
        return left;
      },
    };
  } catch (error) {
    await leave();
    throw error;
  }
}
