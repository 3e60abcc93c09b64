/**
 * Time and memory of every step before training, with up to a million pictures.
 *
 * npm run bench -- scale [--sizes 10000,100000,1000000] [--pack 10000,100000] [--only 'start training']
 *   [--json]
 *
 * Each size is listed, checked for the first time and again, resized again without a change and with 1 % changed, and
 * prepared for training, each in a process of its own with its own peak of memory. Pictures are different JPEGs of 100 x
 * 100; their copies in data/ are links to them. The 1 % are really resized. Packing runs for the sizes of --pack (30 GB
 * for a million); the others get the pack that an earlier training would have left, in which no two pictures look alike.
 * Times are wall-clock time, and the work of all threads. --only: some of the measurements, by the names in the table.
 */
import { linkSync, mkdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp, { type Sharp } from 'sharp';
import { classes, conceptsOf } from '../demo/concepts.ts';
import { designers, openDrawings } from '../demo/designers.ts';
import { photograph } from '../demo/pictures.ts';
import { checkAll } from '../src/check/check.ts';
import { keyOf, packKey, packPictures } from '../src/dataset/pack.ts';
import { scanDataset } from '../src/dataset/scan.ts';
import { shuffle } from '../src/dataset/shuffle.ts';
import { applySoftLabels } from '../src/dataset/soft_labels.ts';
import { splitPictures } from '../src/dataset/split.ts';
import { findPictures } from '../src/images/find.ts';
import { type ResizeOptions, resizeAll, surveyData } from '../src/images/resize.ts';
import { ResizeLedger } from '../src/images/resize_ledger.ts';
import { copySettings } from '../src/images/resize_plan.ts';
import { changeTime } from '../src/system/change_time.ts';
import { digestOf } from '../src/training/prepare.ts';

import { temporaryFolder } from '../test/helpers/folder.ts';
import { answerParent, inChild, taskOfChild } from './measure/in_child.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { peakMebibytes, timed } from './measure/spent.ts';
import { round } from './measure/statistics.ts';

const options = readOptions({
  sizes: [10_000, 100_000, 1_000_000],
  pack: [10_000, 100_000],
  only: [] as string[],
});
/** Photographs whose strips are combined. */
const distinct = 1000;
const picturesPerFolder = 10_000;
const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;

interface Row {
  pictures: number;
  what: string;
  seconds: number;
  'µs/picture': number;
  'µs of work/picture': number;
  'peak MiB': number;
}

type Measurement = (project: Project) => Promise<unknown>;

interface Project {
  count: number;
  resize: ResizeOptions;
}

const projectOf = (folder: string, count: number): Project => ({
  count,
  resize: { rawData: join(folder, 'rawdata'), data: join(folder, 'data'), ...size, workers: 0 },
});

const packOf = async ({ resize: { data } }: Project) =>
  packPictures(await scanDataset(data), { folder: data, size, workers: 0 });

const check: Measurement = ({ resize }) => checkAll(resize);

const measurements: Record<string, Measurement> = {
  list: ({ resize }) => findPictures(resize.rawData),
  'check for the first time': check,
  'check, nothing changed': check,
  'resize, nothing changed': ({ resize }) => resizeAll(resize),
  'resize, 1 % changed': async ({ resize, count }) => {
    const { made } = await resizeAll(resize);
    if (made !== Math.ceil(count / 100)) throw new Error(`${made} pictures were made`);
  },
  'pack for the first time': packOf,
  'start training': async ({ resize: { data } }) => {
    if ((await surveyData(projectOf(join(data, '..'), 0).resize)).isStale) throw new Error('data is stale');
    const scanned = await scanDataset(data);
    const { lookalikes } = await packPictures(scanned, { folder: data, size, workers: 0 });
    const parts = splitPictures(scanned.pictures, { classes: 2, share: 0.1, seed: 1, lookalikes });
    const { dataset, split } = await applySoftLabels(data, scanned, parts);
    digestOf(dataset, split);
    shuffle(split.train, '1/epoch/0');
  },
};

const pathOf = (index: number) => {
  const name = classes[index % classes.length] as string;
  return `${name}/${String(Math.floor(index / picturesPerFolder)).padStart(3, '0')}/${index}.jpg`;
};

type MakePicture = () => Buffer;

/** Rows of pixels per restart interval: two blocks, since chroma is subsampled. */
const stripRows = 16;

/** JPEG with subsampled chroma and the standard's own tables, so that strips of several pictures fit together. */
const encode = (picture: Sharp) =>
  picture.jpeg({ quality: 80, chromaSubsampling: '4:2:0', optimiseCoding: false }).toBuffer();

const scanStartOf = (jpeg: Buffer) => {
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  return scan + 2 + jpeg.readUInt16BE(scan + 2);
};

/** A photograph's strips, entropy-coded. */
async function stripsOf(photo: Buffer): Promise<Buffer[]> {
  const strips: Buffer[] = [];
  for (let top = 0; top < size.height; top += stripRows) {
    const height = Math.min(stripRows, size.height - top);
    const strip = await encode(sharp(photo).extract({ left: 0, top, width: size.width, height }));
    strips.push(strip.subarray(scanStartOf(strip), -2));
  }
  return strips;
}

/** Makes JPEGs from 16-row strips of random photographs: all different, and as fast to make as to copy. */
async function pictureMaker(): Promise<MakePicture> {
  const random = seedrandom('scale');
  const photos: Buffer[][] = [];
  let pixels = Buffer.alloc(0);
  for (let index = 0; index < distinct; index++) {
    const concepts = conceptsOf(classes[index % classes.length] as (typeof classes)[number]);
    const drawing = openDrawings(designers[index % designers.length] as (typeof designers)[number]);
    const photo = await photograph(drawing(concepts[index % concepts.length] as string), random);
    pixels = await sharp(photo).resize(size.width, size.height, { fit: 'fill' }).png().toBuffer();
    photos.push(await stripsOf(pixels));
  }
  const whole = await encode(sharp(pixels));
  const head = whole.subarray(2, scanStartOf(whole));
  const interval = Buffer.from([0xff, 0xdd, 0, 4, 0, Math.ceil(size.width / stripRows)]);
  return () => {
    const strips = Array.from({ length: Math.ceil(size.height / stripRows) }, (_, row) => {
      const photo = photos[Math.floor(random() * distinct)] as Buffer[];
      return [Buffer.from([0xff, row === 0 ? 0xd8 : 0xd0 + row - 1]), photo[row] as Buffer];
    });
    const [start, first, ...rest] = strips.flat() as [Buffer, Buffer];
    return Buffer.concat([start, interval, head, first, ...rest, Buffer.from([0xff, 0xd9])]);
  };
}

/** rawdata/, data/ and its ledger, as a first resizing leaves them. */
async function writeProject({ count, resize: { rawData, data } }: Project, makePicture: MakePicture) {
  const made = new Set<string>();
  for (let index = 0; index < count; index++) {
    const [original, copy] = [join(rawData, pathOf(index)), join(data, pathOf(index))];
    for (const folder of [dirname(original), dirname(copy)]) {
      if (made.has(folder)) continue;
      mkdirSync(folder, { recursive: true });
      made.add(folder);
    }
    writeFileSync(original, makePicture());
    linkSync(original, copy);
  }
  const ledger = await ResizeLedger.read(data, copySettings(size));
  await ledger.open();
  for (let index = 0; index < count; index++) {
    const status = statSync(join(rawData, pathOf(index)));
    ledger.set(pathOf(index), { size: status.size, modified: changeTime(status) });
  }
  await ledger.close();
}

/** Replaces every hundredth picture. */
function change({ count, resize: { rawData } }: Project, makePicture: MakePicture): void {
  for (let index = 0; index < count; index += 100) {
    const file = join(rawData, pathOf(index));
    // Its copy is a link to it, and must not change.
    rmSync(file);
    writeFileSync(file, makePicture());
  }
}

/** What packing leaves, without the pixels, which the start of a training does not read. */
async function writePack({ count, resize: { data } }: Project): Promise<void> {
  const folder = join(data, '.cache');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pictures.u8'), '');
  writeFileSync(
    join(folder, 'lookalikes.i32'),
    Int32Array.from({ length: count }, (_, index) => index),
  );
  const key = await keyOf(join(folder, 'pictures.u8'), packKey(await scanDataset(data), size));
  writeFileSync(join(folder, 'pictures.key'), key);
}

/** For the process of one measurement. */
interface Task {
  what: string;
  folder: string;
  count: number;
}

async function measure({ what, folder, count }: Task): Promise<Row> {
  const { wall, cpu } = await timed(() => measurements[what]?.(projectOf(folder, count)));
  return {
    pictures: count,
    what,
    seconds: round(wall / 1000, 2),
    'µs/picture': round((wall * 1000) / count, 1),
    'µs of work/picture': round((cpu * 1000) / count, 1),
    'peak MiB': Math.round(peakMebibytes()),
  };
}

/** @throws {Error} where the temporary folder has too little room. */
function checkRoom(pictures: number): void {
  const { bavail, bsize, ffree } = statfsSync(tmpdir());
  // Pictures with their directory entries and records, and the largest pack.
  const bytes = 5000 * pictures + 30_000 * Math.max(0, ...options.pack) + 2 ** 30;
  if (bavail * bsize < bytes || ffree < pictures + 10_000)
    throw new Error(`${tmpdir()} has too little room: this needs ${Math.round(bytes / 2 ** 20)} MiB.`);
}

const isChosen = (what: string) => options.only.length === 0 || options.only.includes(what);

async function measureSize(count: number, makePicture: MakePicture): Promise<Row[]> {
  const folder = temporaryFolder();
  const project = projectOf(folder, count);
  const rows: Row[] = [];
  const add = async (what: string) => {
    if (!isChosen(what)) return;
    rows.push(await inChild<Row>(import.meta.url, { what, folder, count }));
    console.error(Object.values(rows.at(-1) as Row).join('  '));
  };
  await writeProject(project, makePicture);
  await add('list');
  await add('check for the first time');
  await add('check, nothing changed');
  await add('resize, nothing changed');
  // Otherwise data/ stays up to date.
  if (isChosen('resize, 1 % changed')) change(project, makePicture);
  await add('resize, 1 % changed');
  if (options.pack.includes(count)) await add('pack for the first time');
  await writePack(project);
  await add('start training');
  rmSync(folder, { recursive: true, force: true });
  return rows;
}

const task = taskOfChild<Task>();
if (task) {
  answerParent(await measure(task));
} else {
  checkRoom(Math.max(...options.sizes));
  const makePicture = await pictureMaker();
  const rows: Row[] = [];
  for (const count of options.sizes) rows.push(...(await measureSize(count, makePicture)));
  report('scale', options, { rows });
}
