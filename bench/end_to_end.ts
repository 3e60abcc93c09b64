/**
 * Whole trainings, from a folder of JPEGs to a trained network, each as its users would write it:
 * npm run bench -- end_to_end [--pictures 2000] [--epochs 3] [--batch 10] [--rounds 3] [--against pytorch,keras] [--json]
 * Ours resizes the pictures into data/ first, as `bat-sup train` always does; the rounds alternate.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pythonWith } from './against/python.ts';
import { writePhotographs } from './drawings.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    pictures: { type: 'string', default: '2000' },
    epochs: { type: 'string', default: '3' },
    batch: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    engines: { type: 'string', default: 'native' },
    against: { type: 'string', default: 'pytorch,keras' },
    json: { type: 'boolean', default: false },
  },
});
const { epochs, batch } = options;
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));

interface Contestant {
  name: string;
  command: string[];
  /** Of the last epoch, from what the command prints. */
  accuracy(stdout: string): number;
}

function ours(engine: string): Contestant {
  const settings = ['--epochs', epochs, '--batch-size', batch, '--learning-rate', '3e-4', '--engine', engine];
  return {
    name: `bat-sup train, ${engine}`,
    command: [process.execPath, file('../dist/bin/bat-sup.js'), 'train', '--json', ...settings],
    accuracy: (stdout) => JSON.parse(stdout).metrics.validationAccuracy,
  };
}

function rival(packages: 'pytorch' | 'keras'): Contestant {
  const script = file(`./against/end_to_end_${packages}.py`);
  return {
    name: packages,
    command: [pythonWith(undefined, packages), script, 'rawdata', epochs, batch],
    accuracy: (stdout) => Number(stdout.trim().split('\n').at(-1)),
  };
}

function run({ name, command, accuracy }: Contestant): { seconds: number; accuracy: number } {
  for (const made of ['data', 'checkpoints']) rmSync(join(folder, made), { recursive: true, force: true });
  const [program, ...args] = command as [string, ...string[]];
  const before = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  const seconds = (performance.now() - before) / 1000;
  if (status !== 0) throw new Error(`${name} failed: ${stderr.trim().split('\n').at(-1)}`);
  return { seconds, accuracy: accuracy(stdout) };
}

try {
  await writePhotographs(join(folder, 'rawdata'), Number(options.pictures));
  const theirs = options.against.split(',').filter(Boolean) as ('pytorch' | 'keras')[];
  const contestants = [...options.engines.split(',').map(ours), ...theirs.map(rival)];
  const results = new Map(contestants.map((one) => [one, [] as ReturnType<typeof run>[]]));
  for (let round = 0; round < Number(options.rounds); round++)
    for (const one of contestants) results.get(one)?.push(run(one));
  const seconds = contestants.map((one) => median((results.get(one) ?? []).map((result) => result.seconds)));
  const rows = contestants.map((one, index) => ({
    name: one.name,
    seconds: Number(seconds[index]?.toFixed(1)),
    'x ours': Number(((seconds[index] as number) / (seconds[0] as number)).toFixed(2)),
    'validation accuracy': Number(results.get(one)?.at(-1)?.accuracy.toFixed(3)),
  }));
  if (options.json) console.log(JSON.stringify({ bench: 'end_to_end', ...options, contestants: rows }));
  else console.table(rows);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
