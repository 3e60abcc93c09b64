export { memory, type Values } from './mpi.ts';
export { joinWorld, RankFailed, type World } from './world.ts';
