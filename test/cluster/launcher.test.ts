import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLaunch, libraryFolders } from '../../src/cluster/launcher.ts';

test('each launcher is recognised by its environment variables', () => {
  const openMpi = { OMPI_COMM_WORLD_RANK: '2', OMPI_COMM_WORLD_SIZE: '4' };
  assert.deepEqual(findLaunch(openMpi), { rank: 2, size: 4, families: ['Open MPI'] });
  const hydra = { PMI_RANK: '0', PMI_SIZE: '3' };
  assert.deepEqual(findLaunch(hydra), { rank: 0, size: 3, families: ['MPICH'] });
  const step = { SLURM_PROCID: '7', SLURM_STEP_NUM_TASKS: '8', PMI_RANK: '7', PMI_SIZE: '8' };
  assert.deepEqual(findLaunch(step), { rank: 7, size: 8, families: ['Open MPI', 'MPICH'] });
  // mpirun inside a Slurm job: the nearest launcher counts.
  assert.deepEqual(findLaunch({ ...step, ...openMpi }), { rank: 2, size: 4, families: ['Open MPI'] });
});

test('a process started alone has no launcher', () => {
  for (const environment of [
    {},
    { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' },
    // A Slurm batch script, before its srun.
    { SLURM_PROCID: '0', SLURM_NTASKS: '8', SLURM_JOB_ID: '1' },
  ]) {
    assert.equal(findLaunch(environment), undefined);
  }
});

test('without a known launcher, MPI is searched for in LD_LIBRARY_PATH', (context) => {
  const before = process.env.LD_LIBRARY_PATH;
  context.after(() => {
    if (before === undefined) delete process.env.LD_LIBRARY_PATH;
    else process.env.LD_LIBRARY_PATH = before;
  });
  process.env.LD_LIBRARY_PATH = '/opt/mpi/lib::/opt/lib';
  assert.deepEqual(libraryFolders(), ['/opt/mpi/lib', '/opt/lib']);
});
