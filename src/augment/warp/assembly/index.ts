export { coordinates } from './coordinates';
export { warp } from './warp';
