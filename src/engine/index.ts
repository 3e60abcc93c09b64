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

/** Starts one engine. @throws {EngineUnavailable} if it cannot run here. */
type Start = (options: EngineOptions) => Promise<Engine>;

const engines: Record<EngineName, () => Promise<Start>> = {
  cuda: async () => (await import('./native/index.ts')).startCuda,
  native: async () => (await import('./native/index.ts')).startNative,
  wasm: async () => (await import('./wasm/index.ts')).startWasm,
  cpu: async () => (await import('./cpu/index.ts')).startCpu,
};

let running: Engine | undefined;

/** The engine that this process computes with; undefined before one is started. */
export function runningEngine(): Engine | undefined {
  return running;
}

/** Records the running engine until it is disposed of or another one is started. */
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
 * Starts an engine and makes it the tfjs backend; 'auto' tries them from the fastest to the slowest.
 * @throws {EngineUnavailable} if the requested engine cannot run here.
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
  tf.enableProdMode(); // otherwise tfjs prints advice to install other packages among our messages
  if (options.precision === 'bf16' && name !== 'native' && name !== 'cuda') {
    throw new EngineUnavailable(
      '--precision bf16 is for TensorFlow; add --engine native or --engine cuda, or leave it out.',
    );
  }
  if (options.precision === 'strict' && name !== 'wasm' && name !== 'cpu') {
    throw new EngineUnavailable(
      '--precision strict is for the wasm engine; add --engine wasm, or leave it out.',
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
