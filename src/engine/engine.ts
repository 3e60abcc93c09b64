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
  /** bf16: convolutions and products in bfloat16 with sums in float32; weights stay float32. Absent: float32. */
  precision?: 'float32' | 'bf16';
}

/** An engine that cannot run on this machine: the next one is tried unless it was asked for by name. */
export class EngineUnavailable extends UserError {}
