/**
 * How many exchanged labels `check --labels` finds, against cleanlab on the same features.
 *
 * npm run bench -- labels [--sets stamps,emoji,demo] [--seeds 1,2,3,4,5] [--share 0.05] [--listed 0.1] [--penalties 1,10]
 *                         [--python <path>] [--json]
 *
 * A share of the labels of real pictures is exchanged for others, by seed. `found` is the share of them in the first
 * tenth of the list. cleanlab ranks by self-confidence and by normalised margin, from scikit-learn's cross-validated
 * logistic regression at two penalties. Seconds are without the features, which both get.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import { startEngine } from '../src/engine/index.ts';
import { findPictures } from '../src/images/find.ts';
import { suspicionsOf } from '../src/labels/suspicions.ts';
import { chooseFeatureNetwork, openFeatureNetwork } from '../src/transfer/feature_network.ts';
import { featuresOfFiles } from '../src/transfer/file_features.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { type CategorySet, writeCategories } from './inputs/categories.ts';
import { writeDemoDrawings } from './inputs/demo_drawings.ts';
import { startConversation } from './measure/conversation.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { deviation, mean, round } from './measure/statistics.ts';

const options = readOptions({
  sets: ['stamps', 'emoji', 'demo'] as (CategorySet | 'demo')[],
  seeds: [1, 2, 3, 4, 5],
  share: 0.05,
  listed: 0.1,
  penalties: [1, 10],
  python: '',
});

// The engine and the backbone that scripts/prepare.mjs and `bat-sup setup` have put there.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));
const cache = fileURLToPath(new URL('../.cache/bench-recipe', import.meta.url));

const engine = await startEngine('auto', { threads: 0 });
const start = await chooseFeatureNetwork({ place: undefined, checkpoints: '' }, console.error);
const network = openFeatureNetwork(start, console.error);
const python = pythonWith('labels', options.python);
const cleanlab = await startConversation<unknown, Rankings>(pythonScript(python, 'labels_cleanlab.py'));

interface Labelled {
  features: Float32Array;
  labels: number[];
  classes: number;
}

async function read(set: CategorySet | 'demo'): Promise<Labelled> {
  const folder =
    set === 'demo' ? await writeDemoDrawings(cache, 224) : await writeCategories(set, cache, 224);
  const data = join(folder, 'data');
  const { classes } = await findPictures(data);
  const files = classes.flatMap(({ name, pictures }) => pictures.map((picture) => join(data, name, picture)));
  const labels = classes.flatMap(({ pictures }, label) => pictures.map(() => label));
  const found = await featuresOfFiles(files, network);
  return { features: (found as NonNullable<typeof found>).features, labels, classes: classes.length };
}

/** Exchanges a share of the labels for other ones. @returns the labels, and the rows whose label is wrong now. */
function exchange({ labels, classes }: Labelled, seed: number): { labels: number[]; wrong: Set<number> } {
  const random = seedrandom(`labels ${seed}`);
  const exchanged = [...labels];
  const wrong = new Set<number>();
  while (wrong.size < Math.floor(options.share * labels.length)) {
    const row = Math.floor(random() * labels.length);
    if (wrong.has(row)) continue;
    wrong.add(row);
    exchanged[row] = ((labels[row] as number) + 1 + Math.floor(random() * (classes - 1))) % classes;
  }
  return { labels: exchanged, wrong };
}

interface Ranking {
  order: number[];
  seconds: number;
}

/** cleanlab's, by score. */
interface Rankings {
  orders: Record<string, number[]>;
  seconds: number;
}

async function ours({ features, classes }: Labelled, labels: number[]): Promise<Ranking> {
  const before = performance.now();
  const groups = [...labels.keys()];
  const found = await suspicionsOf(
    { features, length: network.length, labels, groups, classes },
    { seed: 1, threads: 0 },
  );
  return { order: found.map(({ picture }) => picture), seconds: (performance.now() - before) / 1000 };
}

const rows = [];
for (const set of options.sets) {
  const data = await read(set);
  const file = join(temporaryFolder(), 'features.f32');
  writeFileSync(
    file,
    new Uint8Array(data.features.buffer, data.features.byteOffset, data.features.byteLength),
  );
  const results = new Map<string, { found: number[]; seconds: number[] }>();
  for (const seed of options.seeds) {
    const { labels, wrong } = exchange(data, seed);
    const note = (name: string, { order, seconds }: Ranking) => {
      const listed = order.slice(0, Math.round(options.listed * order.length));
      const result = results.get(name) ?? { found: [], seconds: [] };
      result.found.push(listed.filter((row) => wrong.has(row)).length / wrong.size);
      result.seconds.push(seconds);
      results.set(name, result);
    };
    note('bat-sup check --labels', await ours(data, labels));
    for (const C of options.penalties) {
      const { orders, seconds } = await cleanlab.ask(
        JSON.stringify({ features: file, length: network.length, labels, C }),
      );
      for (const [method, order] of Object.entries(orders))
        note(`cleanlab ${method}, C ${C}`, { order, seconds });
    }
  }
  for (const [contestant, { found, seconds }] of results)
    rows.push({
      set,
      pictures: data.labels.length,
      contestant,
      found: round(mean(found), 3),
      deviation: round(deviation(found), 3),
      seconds: round(mean(seconds), 1),
    });
}
cleanlab.stop();
await network.dispose();
await engine.dispose();
report('labels', options, { rows });
