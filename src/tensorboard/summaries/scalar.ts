import { dataClass, numbersTensor, summaryValue } from '../summary.ts';

/** Numbers by tag, each a tensor of rank 0 (tensorboard/plugins/scalar/summary_v2.py). */
export function scalarSummary(scalars: Record<string, number>): Buffer {
  const dashboard = { plugin: 'scalars', dataClass: dataClass.scalar };
  const values = Object.entries(scalars).map(([tag, value]) =>
    summaryValue(tag, numbersTensor([], Float32Array.of(value)), dashboard),
  );
  return Buffer.concat(values);
}
