import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Histogram buckets in seconds, from a single small picture to the longest request. */
const durations = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24];

/** The metrics for Prometheus. @param gauges read whenever Prometheus collects. */
export function makeMetrics(gauges: { waiting(): number; checkpoint(): string }) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'batsup_waiting_pictures',
    help: 'Pictures that have arrived and are not answered yet.',
    registers,
    collect() {
      this.set(gauges.waiting());
    },
  });
  new Gauge({
    name: 'batsup_checkpoint_info',
    help: 'The checkpoint in use.',
    labelNames: ['checkpoint'],
    registers,
    collect() {
      this.reset();
      this.set({ checkpoint: gauges.checkpoint() }, 1);
    },
  });
  return {
    registry,
    requests: new Histogram({
      name: 'batsup_request_duration_seconds',
      help: 'Time from the header of a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: durations,
      registers,
    }),
    pictures: new Counter({
      name: 'batsup_pictures_total',
      help: 'Pictures by result.',
      labelNames: ['result'],
      registers,
    }),
    batches: new Histogram({
      name: 'batsup_batch_pictures',
      help: 'Pictures per batch.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    }),
    reloads: new Counter({
      name: 'batsup_reloads_total',
      help: 'Loads of newer checkpoints by result.',
      labelNames: ['result'],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof makeMetrics>;
