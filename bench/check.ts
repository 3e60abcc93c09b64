/**
 * Speed of check: finding near duplicates among up to a million pictures, and checking real files.
 *
 * npm run bench -- check [--counts 10000,100000,1000000] [--files 500] [--rounds 3] [--json]
 *
 * Near duplicates are searched among pictures blended from real drawings, frames of one film, and copies of one picture.
 * Real files (JPEGs of 800 x 600) are checked for the first time and again; the speed of their fingerprints is what
 * finding duplicates adds to packing.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { classes, conceptsOf } from '../demo/concepts.ts';
import { designers, openDrawings } from '../demo/designers.ts';
import { photograph } from '../demo/pictures.ts';
import { checkAll } from '../src/check/check.ts';
import { decodePicture } from '../src/images/decode.ts';
import { DisjointSets } from '../src/images/disjoint_sets.ts';
import { fingerprint, fingerprintBytes } from '../src/images/fingerprint.ts';
import { joinNearDuplicates } from '../src/images/near_duplicates.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({ counts: [10_000, 100_000, 1_000_000], files: 500, rounds: 3 });
const { counts, rounds } = options;
const side = 32;
const raster = { width: side, height: side, channels: 3 };
const pictureBytes = side * side * 3;
const random = seedrandom('bench');

/** All drawings, each uint8 [32, 32, 3]. */
async function drawings(): Promise<Uint8Array[]> {
  const svgs = designers.flatMap((designer) =>
    classes.flatMap((name) => conceptsOf(name).map((concept) => openDrawings(designer)(concept))),
  );
  const size = { width: side, height: side, channels: 3, fit: 'fill' } as const;
  const complete = svgs.map((svg) => svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"'));
  return Promise.all(complete.map((svg) => decodePicture(Buffer.from(svg), size)));
}

/** Blends one drawing, shifted, over another. */
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
  for (let number = 0; number < rounds; number++) {
    const joined = new DisjointSets(count);
    const before = performance.now();
    joinNearDuplicates(records.subarray(0, count * fingerprintBytes), joined);
    times.push(performance.now() - before);
    sets = new Set(joined.representatives()).size;
  }
  return {
    pictures: name,
    count,
    'µs/picture': round((median(times) * 1000) / count, 1),
    seconds: round(median(times) / 1000, 2),
    sets,
    'MiB of process': Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

async function searches() {
  const rows = [];
  for (const [name, fill] of Object.entries(fills(await drawings()))) {
    const largest = Math.max(...counts);
    const records = new Uint8Array(largest * fingerprintBytes);
    fill(records, largest);
    for (const count of counts) rows.push(measureSearch(name, records, count));
  }
  return rows;
}

/** <rawData>/<class>/<index>.jpg, JPEGs of 800 x 600. */
async function writeFiles(rawData: string): Promise<void> {
  for (const name of classes) {
    mkdirSync(join(rawData, name), { recursive: true });
    const concepts = conceptsOf(name);
    for (let index = 0; index < options.files / 2; index++) {
      const concept = concepts[index % concepts.length] as string;
      const drawing = openDrawings(designers[index % designers.length] as (typeof designers)[number])(
        concept,
      );
      const photo = sharp(await photograph(drawing, random)).resize(800, 600, { fit: 'fill' });
      writeFileSync(join(rawData, name, `${index}.jpg`), await photo.jpeg().toBuffer());
    }
  }
}

async function files() {
  const rawData = join(temporaryFolder(), 'rawdata');
  await writeFiles(rawData);
  const check = async () => {
    const { wall } = await timed(() => checkAll({ rawData, width: 100, height: 100, workers: 0 }));
    return (options.files * 1000) / wall;
  };
  const [first, again]: [number[], number[]] = [[], []];
  for (let number = 0; number < rounds; number++) {
    rmSync(join(rawData, '.checked.jsonl'), { force: true });
    first.push(await check());
    again.push(await check());
  }
  return [
    { what: 'check JPEGs of 800 x 600', 'img/s': Math.round(median(first)) },
    { what: 'check them again', 'img/s': Math.round(median(again)) },
    await fingerprints(rawData),
  ];
}

async function fingerprints(rawData: string) {
  const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;
  const pixels = await decodePicture(join(rawData, classes[0], '0.jpg'), size);
  const times: number[] = [];
  for (let number = 0; number < rounds; number++) {
    const { wall } = await timed(() => {
      for (let count = 0; count < 2000; count++) fingerprint(pixels, size);
    });
    times.push(wall);
  }
  return { what: 'fingerprint pixels of 100 x 100', 'img/s': Math.round(2_000_000 / median(times)) };
}

report('check', options, { search: counts.length > 0 ? await searches() : [], files: await files() });
