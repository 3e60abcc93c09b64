export { moreColour, replaceValues, sumColours } from './colours';
export { coordinates } from './coordinates';
export { warp } from './warp';
