import { UserError } from '../errors.ts';
import { type Engine, type EngineName, runningEngine, startEngine } from './index.ts';

/** There is one engine in a process; it ends with the last who shares it. */
let shared: Promise<Engine> | undefined;
let sharers = 0;

function start(name: EngineName | 'auto', threads: number): Promise<Engine> {
  const running = runningEngine();
  // Whoever has started it ends it.
  if (running) return Promise.resolve({ ...running, dispose: async () => {} });
  return startEngine(name, { threads });
}

/**
 * The engine that runs in this process, or the one asked for where none does yet.
 * @param name 'auto' takes the one that runs, whichever it is, or the fastest that starts.
 * @param threads of one that is started; 0: every core.
 * @returns its `dispose` ends it once all who share it have called theirs.
 * @throws {UserError} where another one runs.
 */
export async function shareEngine(name: EngineName | 'auto', threads: number): Promise<Engine> {
  sharers++;
  shared ??= start(name, threads);
  const starting = shared;
  const leave = async () => {
    if (--sharers > 0) return;
    shared = undefined;
    await (await starting).dispose();
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
    await leave().catch(() => {});
    throw error;
  }
}
