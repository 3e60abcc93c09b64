import type { Current } from './current.ts';
import type { Metrics } from './metrics.ts';
import type { Places } from './places.ts';

export interface AppOptions {
  current: Current;
  metrics: Metrics;
  /** Of pictures that have arrived and are not answered yet. */
  waiting: Places;
  /** Of a request's body. */
  maxBytes: number;
  /** Milliseconds for a request to arrive, and again for its answer. */
  timeout: number;
  /** The address that is listened at. */
  host: string;
  /** That /predict, /model and /metrics ask for. */
  token?: string | undefined;
  /** Whether it shuts down. */
  isDraining(): boolean;
  /** Told of what should not have happened. */
  onError(error: unknown): void;
  /** Whether every request is a line of JSON on stderr. */
  log: boolean;
}
