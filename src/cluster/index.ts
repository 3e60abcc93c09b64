export { checkShared } from './check_shared.ts';
export { dealOut } from './deal_out.ts';
export { memory, type Values } from './mpi.ts';
export { type Shard, type Splitting, shareOf, streamShareOf } from './shards.ts';
export { joinWorld, RankFailed, type World } from './world.ts';
