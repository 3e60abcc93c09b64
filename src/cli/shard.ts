import { type Command, Option } from 'commander';
import type { Shard, World } from '../cluster/index.ts';
import { UsageError } from '../errors.ts';
import { wrongValue } from '../text/wrong_value.ts';

const meaning = 'do only part i of n, as one of n independent jobs';

export function shardOption(command: Command): Command {
  return command.option('--shard <i/n>', meaning);
}

/** For a command that needs all pictures. */
export function refuseShards(command: Command, why: string): Command {
  const option = new Option('--shard <i/n>', meaning).hideHelp();
  return command.addOption(
    option.argParser(() => {
      throw new UsageError(`${command.name()} has no --shard: ${why}.`);
    }),
  );
}

/** Parses --shard. @throws {UsageError} where it is not i/n with i from 1 to n. */
export function readShard(text: string | undefined, world: World | undefined): Shard | undefined {
  if (text === undefined) return undefined;
  if (world)
    throw new UsageError(
      '--shard is for jobs without MPI; MPI ranks split the work by themselves. Leave it out.',
    );
  const [, number, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (number === undefined || count === undefined || number < 1 || number > count || count > 1e6)
    throw wrongValue('--shard', 'i/n with i from 1 to n, such as 2/8', text);
  return { index: number - 1, count };
}
