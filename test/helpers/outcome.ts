import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of a run's checkpoints, oldest first. */
export function checkpointsOf(run: string): string[] {
  try {
    return readdirSync(run).filter((name) => /^checkpoint-\d+$/.test(name));
  } catch {
    return [];
  }
}

/** All that a training came to; what depends on the clock is left out. */
export function outcome(run: string) {
  const last = join(run, checkpointsOf(run).at(-1) as string);
  const { saved, checksum, ...manifest } = JSON.parse(readFileSync(join(last, 'manifest.json'), 'utf8'));
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const history = lines.map((line) => {
    const { time, seconds, rate, ...epoch } = JSON.parse(line);
    return epoch;
  });
  const [weights, optimizer] = ['weights.bin', 'optimizer.bin'].map((name) => readFileSync(join(last, name)));
  return { manifest, history, weights, optimizer };
}
