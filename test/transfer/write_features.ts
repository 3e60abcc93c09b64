/** Writes random features into a cache until it is killed: folder, key, first id, and how many in all. */
import { FeatureCache } from '../../src/transfer/feature_cache.ts';
import { idOf, rowOf } from './rows.ts';

const [folder = '', key = '', first, count] = process.argv.slice(2);
const cache = new FeatureCache({ folder, key, length: 1000 });
for (let i = Number(first); i < Number(first) + Number(count); i++) {
  cache.add(idOf(i), rowOf(i, 1000));
  if (i % 100 === 0) {
    console.log(i);
    await new Promise(setImmediate);
  }
}
await cache.close();
console.log('closed');
