import { readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A family of MPI implementations with one binary interface. */
export type MpiFamily = 'Open MPI' | 'MPICH';

/** How a launcher started this process. */
export interface Launch {
  rank: number;
  size: number;
  /** The families that the launcher may belong to, most likely first. */
  families: MpiFamily[];
}

/**
 * The environment variables of the launchers: mpirun of Open MPI 4 and 5, mpiexec of MPICH and its derivatives (Intel MPI,
 * MVAPICH), and Slurm's srun, which works with either. A Kubernetes MPIJob starts one of the first two.
 */
const launchers: { rank: string; size: string; families: MpiFamily[] }[] = [
  { rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE', families: ['Open MPI'] },
  // Not SLURM_NTASKS: it is also set in a batch script, which is a single process.
  { rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', families: ['Open MPI', 'MPICH'] },
  { rank: 'PMI_RANK', size: 'PMI_SIZE', families: ['MPICH'] },
];

/** How this process was launched as one of several; undefined for a single process. */
export function findLaunch(environment: NodeJS.ProcessEnv = process.env): Launch | undefined {
  for (const { rank, size, families } of launchers) {
    const launch = { rank: Number(environment[rank]), size: Number(environment[size]), families };
    if (launch.size > 1 && Number.isInteger(launch.rank)) return launch;
  }
  return undefined;
}

/** Whether this process prints the messages that are the same for all ranks: rank 0, or a single process. */
export function speaksForAll(): boolean {
  return (findLaunch()?.rank ?? 0) === 0;
}

/** Programs of the launchers that start ranks: of Open MPI 4, of Open MPI 5, and of MPICH and its derivatives. */
const programs = ['orterun', 'orted', 'prterun', 'prted', 'hydra_pmi_proxy'];

/**
 * Folders to search for the MPI library before the system's own: LD_LIBRARY_PATH, and those beside the program of the
 * launcher. An MPI that pip, conda or a cluster installed in a folder of its own is found there, in the right version.
 */
export function libraryFolders(): string[] {
  const given = process.env.LD_LIBRARY_PATH?.split(':').filter(Boolean) ?? [];
  const launcher = findProgram();
  const installed = launcher ? dirname(dirname(launcher)) : undefined;
  return [...given, ...(installed ? [join(installed, 'lib'), join(installed, 'lib64')] : [])];
}

/** The launcher's program among the ancestors of this process, found through Linux's /proc. */
function findProgram(): string | undefined {
  try {
    for (let id = process.ppid; id > 1; id = parentOf(id)) {
      const program = readlinkSync(`/proc/${id}/exe`);
      if (programs.includes(basename(program))) return program;
    }
  } catch {
    // Not Linux, or another user's process.
  }
  return undefined;
}

function parentOf(id: number): number {
  const status = readFileSync(`/proc/${id}/status`, 'utf8');
  return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
}
