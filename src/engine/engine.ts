import { UserError } from '../errors.ts';

/** cuda and native: TensorFlow through tfjs-node-gpu. wasm: embedded. cpu: plain JavaScript. */
export const engineNames = ['cuda', 'native', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

/**
 * TensorFlow starts half a second later than the embedded engine and then computes faster: from this many pictures on it
 * finishes first (two cores: 100 pictures take 2.0 s against 1.3 s, 200 pictures 1.5 s against 2.1 s).
 */
export const manyPictures = 200;

/** Picks the engine that finishes this many pictures soonest, its start included, unless the settings name one. */
export function soonestEngine(engine: EngineName | 'auto', pictures: number): EngineName | 'auto' {
  return engine === 'auto' && pictures < manyPictures ? 'wasm' : engine;
}

export interface Engine {
  name: EngineName;
  /** One line for messages, e.g. 'WebAssembly with SIMD, 2 threads'. */
  description: string;
  /** Ends worker threads, so that the process can exit. */
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** Number of threads; 0: one per core. */
  threads: number;
  /**
   * float32, the default: multiplications and additions are fused where the processor can, which rounds once instead of
   * twice. strict: they never are, so that the wasm engine gives the same bits on every machine. bf16: convolutions and
   * matrix products in bfloat16, summed in float32; weights stay float32.
   */
  precision?: 'float32' | 'strict' | 'bf16';
}

/** The engine cannot run on this machine; 'auto' then tries the next one. */
export class EngineUnavailable extends UserError {}
