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
  /** One line for people, e.g. 'WebAssembly with SIMD, 2 threads'. */
  description: string;
  /** Ends worker threads, so that the process can exit. */
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** Worker threads; 0 uses every core. */
  threads: number;
  /** bf16: convolutions and products in bfloat16 with sums in float32; weights stay float32. Absent: float32. */
  precision?: 'float32' | 'bf16';
}

/** An engine that cannot run on this machine: the next one is tried unless it was asked for by name. */
export class EngineUnavailable extends UserError {}
