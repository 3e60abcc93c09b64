import type { Current } from './current.ts';
import type { Metrics } from './metrics.ts';
import type { Quota } from './quota.ts';

export interface AppOptions {
  current: Current;
  metrics: Metrics;
  /** Pictures that have arrived and are not answered yet. */
  waiting: Quota;
  /** Largest body of a request, in bytes. */
  maxBytes: number;
  /** Milliseconds for a request to arrive, and again for its answer. */
  timeout: number;
  /** The address that the server listens on. */
  host: string;
  /** Required by /predict, /model and /metrics. */
  token?: string | undefined;
  /** Whether the server is shutting down. */
  isDraining(): boolean;
  /** Called with unexpected errors. */
  onError(error: unknown): void;
  /** Whether every request is logged to stderr as a line of JSON. */
  log: boolean;
}
