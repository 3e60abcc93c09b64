import { tf } from '../tensors/tf.ts';
import {
  type Engine,
  type EngineName,
  type EngineOptions,
  EngineUnavailable,
  engineNames,
} from './engine.ts';

export {
  type Engine,
  type EngineName,
  type EngineOptions,
  EngineUnavailable,
  engineNames,
} from './engine.ts';

/** Starts one engine. @throws {EngineUnavailable} where it cannot run here. */
type Start = (options: EngineOptions) => Promise<Engine>;

const engines: Record<EngineName, () => Promise<Start>> = {
  cuda: async () => (await import('./native/index.ts')).startCuda,
  native: async () => (await import('./native/index.ts')).startNative,
  wasm: async () => (await import('./wasm/index.ts')).startWasm,
  cpu: async () => (await import('./cpu/index.ts')).startCpu,
};

let running: Engine | undefined;

/** The engine that this process computes with, where one has been started. */
export function runningEngine(): Engine | undefined {
  return running;
}

/** Until it is disposed of, or another one is started. */
function remember(engine: Engine): Engine {
  const started: Engine = {
    ...engine,
    dispose() {
      if (running === started) running = undefined;
      return engine.dispose();
    },
  };
  running = started;
  return started;
}

/**
 * Starts the engine asked for and makes it the tfjs backend; 'auto' takes the first that runs, fastest first.
 * @throws {EngineUnavailable} where the engine asked for cannot run here.
 * @example
 * ```ts
 * import { startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('auto', { threads: 0 });
 * console.log(engine.name);
 * await engine.dispose();
 * ```
 */
export async function startEngine(name: EngineName | 'auto', options: EngineOptions): Promise<Engine> {
  tf.enableProdMode(); // tfjs's advice to install something else would land among our messages
  if (options.precision === 'bf16' && name !== 'native' && name !== 'cuda') {
    throw new EngineUnavailable(
      '--precision bf16 is for TensorFlow; add --engine native or --engine cuda, or leave it out.',
    );
  }
  if (name !== 'auto') return remember(await (await engines[name]())(options));
  let last: unknown;
  for (const candidate of engineNames) {
    try {
      return remember(await (await engines[candidate]())(options));
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      last = error;
    }
  }
  throw last;
}
