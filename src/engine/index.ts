import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';

/** cuda and native: TensorFlow through tfjs-node-gpu. wasm: embedded. cpu: plain JavaScript. */
export const engineNames = ['cuda', 'native', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

export interface Engine {
  name: EngineName;
  /** One line for people, e.g. 'WebAssembly with SIMD, 2 threads'. */
  description: string;
  /** Ends worker threads, so that the process can exit. */
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** Worker threads; 0 uses every core. */
  threads: number;
}

/** Starts one engine. @throws {EngineUnavailable} where it cannot run here. */
type Start = (options: EngineOptions) => Promise<Engine>;

const engines: Record<EngineName, () => Promise<Start>> = {
  cuda: async () => (await import('./native/index.ts')).startCuda,
  native: async () => (await import('./native/index.ts')).startNative,
  wasm: async () => (await import('./wasm/index.ts')).startWasm,
  cpu: async () => (await import('./cpu/index.ts')).startCpu,
};

/** An engine that cannot run on this machine: the next one is tried unless it was asked for by name. */
export class EngineUnavailable extends UserError {}

/**
 * Starts the engine asked for and makes it the tfjs backend; 'auto' takes the first that runs, fastest first.
 * @throws {EngineUnavailable} where the engine asked for cannot run here.
 */
export async function startEngine(name: EngineName | 'auto', options: EngineOptions): Promise<Engine> {
  tf.enableProdMode(); // tfjs's advice to install something else would land among our messages
  if (name !== 'auto') return (await engines[name]())(options);
  let last: unknown;
  for (const candidate of engineNames) {
    try {
      return await (await engines[candidate]())(options);
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      last = error;
    }
  }
  throw last;
}
