import { readdirSync } from 'node:fs';
import { startEngine } from '/work/wt/torch/src/engine/index.ts';
import { importNetwork } from '/work/wt/torch/src/formats/import.ts';
await startEngine('wasm', { threads: 1 });
for (const f of process.argv.slice(2)) {
  try { const t = Date.now(); const { network } = await importNetwork(f); console.log(f.split('/').pop(), 'ok', network.layers.length, Date.now()-t); }
  catch (e) { console.log((e as Error).message.slice(0, 220)); }
}
