/** Processes that an mpirun starts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinWorld } from '../../src/cluster/index.ts';
import { finish } from '../helpers/cli.ts';
import { type Mpi, others, startRanks, system, withoutMpirun } from '../helpers/mpirun.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = fileURLToPath(new URL('world_ranks.ts', import.meta.url));
const onRanks = (mpi: Mpi, ranks: number, ...args: string[]) =>
  finish(startRanks(Array(ranks).fill(root), ['--import', 'tsx', program, ...args], { mpi }));

test('a process without a launcher is alone, and loads no MPI', async () => {
  assert.equal(await joinWorld(), undefined);
});

for (const mpi of [system, ...others])
  describe(`launched by mpirun of ${mpi.name}`, { skip: withoutMpirun(mpi) }, () => {
    for (const size of mpi === system ? [2, 3, 4] : [3]) {
      test(`${size} ranks sum, gather, exchange and broadcast`, async () => {
        const { code, stdout, stderr } = await onRanks(mpi, size);
        assert.equal(code, 0, stderr);
        const told = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
          .sort((a, b) => a.rank - b.rank);
        const [first, ...others] = told.map(({ turn }) => turn);
        for (const { began } of others)
          assert.ok(began >= first.ended, 'rank 0 has its turn before the others');
        for (const { version } of told) assert.match(version, mpi.version);
        const ranks = [...Array(size).keys()];
        const total = (size * (size - 1)) / 2;
        assert.deepEqual(
          told.map(({ turn, version, ...rest }) => rest),
          ranks.map((rank) => ({
            rank,
            size,
            sum: Array(3).fill(total + size),
            exact: [size * 2 ** 40 + total],
            all: ranks.flatMap((of) => [of, of]),
            taken: ranks.map((from) => 10 * from + rank),
            sent: [7, 7],
            shared: { of: 0 },
            localRank: rank,
            localSize: size,
            rewritten: [],
          })),
        );
      });
    }

    test('if one rank fails, only rank 0 is told, and all exit with its code', async () => {
      const { code, stdout } = await onRanks(mpi, 3, 'fail');
      assert.equal(code, 3);
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
        [{ rank: 0, told: 'Rank 1 on HOST: no disk is left' }],
      );
    });
  });
