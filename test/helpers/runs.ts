import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest } from '../../src/checkpoints/index.ts';

/** Names of a run's checkpoints, oldest first; none where there is no run. */
export function checkpointsOf(run: string): string[] {
  try {
    const names = readdirSync(run).filter((name) => /^checkpoint-\d+$/.test(name));
    return names.sort();
  } catch {
    return [];
  }
}

/** The path of a run's newest checkpoint. */
export function newestCheckpoint(run: string): string {
  return join(run, checkpointsOf(run).at(-1) as string);
}

export function manifestOf(checkpoint: string): Manifest {
  return JSON.parse(readFileSync(join(checkpoint, 'manifest.json'), 'utf8'));
}

/** SHA-256 of the weights in a run's newest checkpoint, as its manifest has it. */
export function weightsDigest(run: string): string {
  return (manifestOf(newestCheckpoint(run)).files['weights.bin'] as { sha256: string }).sha256;
}

/** Everything that a training has computed, without what depends on the clock. */
export function outcome(run: string) {
  const newest = newestCheckpoint(run);
  const { saved, checksum, ...manifest } = manifestOf(newest);
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const history = lines.map((line) => {
    const { time, seconds, rate, ...epoch } = JSON.parse(line);
    return epoch;
  });
  const [weights, optimizer] = ['weights.bin', 'optimizer.bin'].map((name) =>
    readFileSync(join(newest, name)),
  );
  return { manifest, history, weights, optimizer };
}
