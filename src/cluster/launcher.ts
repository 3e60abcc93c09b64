import { readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Which families of MPI a launcher may have started this process for, most likely first. */
export type MpiFamily = 'Open MPI' | 'MPICH';

export interface Launch {
  rank: number;
  size: number;
  families: MpiFamily[];
}

/**
 * What each launcher tells its processes: mpirun of Open MPI 4 and 5, mpiexec of MPICH and of those built on it (Intel
 * MPI, MVAPICH), Slurm's srun, whose steps may be of either. A Kubernetes MPIJob starts one of the first two.
 */
const launchers: { rank: string; size: string; families: MpiFamily[] }[] = [
  { rank: 'OMPI_COMM_WORLD_RANK', size: 'OMPI_COMM_WORLD_SIZE', families: ['Open MPI'] },
  // Not SLURM_NTASKS: a batch script has it too, which is one process.
  { rank: 'SLURM_PROCID', size: 'SLURM_STEP_NUM_TASKS', families: ['Open MPI', 'MPICH'] },
  { rank: 'PMI_RANK', size: 'PMI_SIZE', families: ['MPICH'] },
];

/** How this process was launched as one of several; undefined where it is alone. */
export function findLaunch(environment: NodeJS.ProcessEnv = process.env): Launch | undefined {
  for (const { rank, size, families } of launchers) {
    const launch = { rank: Number(environment[rank]), size: Number(environment[size]), families };
    if (launch.size > 1 && Number.isInteger(launch.rank)) return launch;
  }
  return undefined;
}

/** Whether to say what every process of a launcher would say alike. */
export function speaksForAll(): boolean {
  return (findLaunch()?.rank ?? 0) === 0;
}

/** What is nearest to a process that it has started: of Open MPI 4, of 5, and of MPICH and those built on it. */
const programs = ['orterun', 'orted', 'prterun', 'prted', 'hydra_pmi_proxy'];

/**
 * Where to look for MPI before the system does: in LD_LIBRARY_PATH, and beside the launcher's program. What pip, conda
 * or a site has installed in a folder of its own is found there, and is of the launcher's version.
 */
export function libraryFolders(): string[] {
  const asked = process.env.LD_LIBRARY_PATH?.split(':').filter(Boolean) ?? [];
  const launcher = findProgram();
  const installed = launcher ? dirname(dirname(launcher)) : undefined;
  return [...asked, ...(installed ? [join(installed, 'lib'), join(installed, 'lib64')] : [])];
}

/** The program of the launcher's that started this process, or the shell or npx that did, by Linux's /proc. */
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
