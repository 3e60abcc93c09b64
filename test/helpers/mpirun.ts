import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const bin = fileURLToPath(new URL('../../dist/bin/bat-sup.js', import.meta.url));

/** Why a test on several ranks is skipped; false where it can run. In CI it must. */
export function withoutMpirun(): string | false {
  if (process.env.CI || spawnSync('mpirun', ['--version']).status === 0) return false;
  return 'needs Open MPI: apt-get install openmpi-bin';
}

/** mpirun's own arguments; a machine of tests has fewer cores than they have ranks, and may be root's. */
const everywhere = ['--allow-run-as-root', '--oversubscribe'];

/** Starts a program on as many ranks as there are folders, each in its own. */
export function startRanks(folders: string[], program: string[], stdin: 'ignore' | 'pipe' = 'ignore') {
  const ranks = folders.flatMap((folder, rank) => [
    ...(rank > 0 ? [':'] : []),
    ...['-n', '1', '--wdir', folder, process.execPath, ...program],
  ]);
  const env = { BATSUP_ENGINE: 'wasm', ...process.env };
  return spawn('mpirun', [...everywhere, ...ranks], { env, stdio: [stdin, 'pipe', 'pipe'] });
}

/** Starts the real command. */
export function startCliOn(folders: string[], ...args: string[]) {
  return startRanks(folders, [bin, ...args]);
}

/** The process of each rank that an mpirun has started, by Linux's /proc. */
export function processesOf(mpirun: number): Map<number, number> {
  const found = new Map<number, number>();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      if (parent !== String(mpirun)) continue;
      const rank = /(?:^|\0)OMPI_COMM_WORLD_RANK=(\d+)/.exec(readFileSync(`/proc/${id}/environ`, 'utf8'));
      if (rank) found.set(Number(rank[1]), Number(id));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
