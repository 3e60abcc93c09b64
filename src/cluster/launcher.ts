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
