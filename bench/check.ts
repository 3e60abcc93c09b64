/**
 * What check costs: npm run bench -- check [--counts 10000,100000,1000000] [--files 500] [--rounds 3] [--json]
 * The search for what looks the same is given pictures blended from real drawings, frames of one film, and copies. Then
 * real files are checked, for the first time and again, and packed for training with and without their looks.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { classes, conceptsOf } from '../demo/concepts.ts';
import { makers, openDrawings } from '../demo/makers.ts';
import { photograph } from '../demo/pictures.ts';
import { checkAll } from '../src/check/check.ts';
import { decodePicture } from '../src/images/decode.ts';
import { DisjointSets } from '../src/images/disjoint_sets.ts';
import { fingerprint, fingerprintBytes } from '../src/images/fingerprint.ts';
import { joinNearDuplicates } from '../src/images/near_duplicates.ts';
import { median } from './measure/median.ts';

const { values: options } = parseArgs({
  options: {
    counts: { type: 'string', default: '10000,100000,1000000' },
    files: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const counts = options.counts.split(',').filter(Boolean).map(Number);
const rounds = Number(options.rounds);
const side = 32;
const raster = { width: side, height: side, channels: 3 };
const pictureBytes = side * side * 3;
const random = seedrandom('bench');

/** Drawings of all makers, uint8 [32, 32, 3] each. */
async function drawings(): Promise<Uint8Array[]> {
  const svgs = makers.flatMap((maker) =>
    classes.flatMap((name) => conceptsOf(name).map((concept) => openDrawings(maker)(concept))),
  );
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const complete = svgs.map((svg) => svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'));
  return Promise.all(complete.map((svg) => decodePicture(Buffer.from(svg), size)));
}

/** One drawing over another, each moved. */
function blend(one: Uint8Array, other: Uint8Array, pixels: Uint8Array): void {
  const weight = 0.2 + 0.6 * random();
  const [right, down] = [Math.floor(random() * side), Math.floor(random() * side)];
  for (let at = 0; at < pictureBytes; at++) {
    const cell = Math.floor(at / 3);
    const [x, y] = [(cell + right) % side, (Math.floor(cell / side) + down) % side];
    const from = (y * side + x) * 3 + (at % 3);
    pixels[at] = weight * (one[from] as number) + (1 - weight) * (other[at] as number);
  }
}

type Fill = (records: Uint8Array, count: number) => void;

function fills(all: Uint8Array[]): Record<string, Fill> {
  const pick = () => all[Math.floor(random() * all.length)] as Uint8Array;
  const pixels = new Uint8Array(pictureBytes);
  const noise = Float32Array.from({ length: 1 << 16 }, () => 50 * random());
  const eachOf =
    (paint: () => void): Fill =>
    (records, count) => {
      for (let index = 0; index < count; index++) {
        paint();
        records.set(fingerprint(pixels, raster), index * fingerprintBytes);
      }
    };
  return {
    'blended drawings': eachOf(() => blend(pick(), pick(), pixels)),
    'frames of a film': eachOf(() => {
      const frame = all[0] as Uint8Array;
      const start = Math.floor(random() * (noise.length - pictureBytes));
      for (let at = 0; at < pictureBytes; at++)
        pixels[at] = (frame[at] as number) * 0.8 + (noise[start + at] as number);
    }),
    'copies of one picture': eachOf(() => pixels.set(all[0] as Uint8Array)),
  };
}

function measureSearch(name: string, records: Uint8Array, count: number) {
  const times: number[] = [];
  let sets = 0;
  for (let round = 0; round < rounds; round++) {
    const joined = new DisjointSets(count);
    const before = performance.now();
    joinNearDuplicates(records.subarray(0, count * fingerprintBytes), joined);
    times.push(performance.now() - before);
    sets = new Set(joined.leasts()).size;
  }
  return {
    pictures: name,
    count,
    'µs/picture': Number(((median(times) * 1000) / count).toFixed(1)),
    's in all': Number((median(times) / 1000).toFixed(2)),
    sets,
    'MiB of process': Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

async function searches() {
  const rows = [];
  for (const [name, fill] of Object.entries(fills(await drawings()))) {
    const most = Math.max(...counts);
    const records = new Uint8Array(most * fingerprintBytes);
    fill(records, most);
    for (const count of counts) rows.push(measureSearch(name, records, count));
  }
  return rows;
}

async function files() {
  const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
  try {
    const rawData = join(folder, 'rawdata');
    for (const name of classes) {
      mkdirSync(join(rawData, name), { recursive: true });
      const concepts = conceptsOf(name);
      for (let index = 0; index < Number(options.files) / 2; index++) {
        const concept = concepts[index % concepts.length] as string;
        const drawing = openDrawings(makers[index % makers.length] as (typeof makers)[number])(concept);
        const photo = await sharp(await photograph(drawing, random))
          .resize(800, 600, { fit: 'fill' })
          .jpeg()
          .toBuffer();
        writeFileSync(join(rawData, name, `${index}.jpg`), photo);
      }
    }
    const check = async () => {
      const before = performance.now();
      const { pictures } = await checkAll({ rawData, width: 100, height: 100, workers: 0 });
      return (pictures * 1000) / (performance.now() - before);
    };
    const [first, again]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      rmSync(join(rawData, '.checked.jsonl'), { force: true });
      first.push(await check());
      again.push(await check());
    }
    return [
      { what: 'check of JPEGs of 800 x 600', 'img/s': Math.round(median(first)) },
      { what: 'the same again', 'img/s': Math.round(median(again)) },
      await fingerprints(rawData),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a picture's look adds to packing it. */
async function fingerprints(rawData: string) {
  const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;
  const pixels = await decodePicture(join(rawData, classes[0], '0.jpg'), size);
  const times = Array.from({ length: rounds }, () => {
    const before = performance.now();
    for (let count = 0; count < 2000; count++) fingerprint(pixels, size);
    return performance.now() - before;
  });
  return { what: 'fingerprints of 100 x 100', 'img/s': Math.round(2_000_000 / median(times)) };
}

const result = { search: counts.length > 0 ? await searches() : [], files: await files() };
if (options.json) {
  console.log(JSON.stringify({ bench: 'check', ...result }));
} else {
  console.table(result.search);
  console.table(result.files);
}
