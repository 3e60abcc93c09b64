/**
 * What a million pictures cost before the first step: npm run bench -- scale [--sizes 10000,100000,1000000]
 * [--pack 10000,100000] [--json]
 * Each size is listed, checked for the first time and again, resized again without a change and with 1 % changed, and
 * made ready for training, each in a process of its own, so that every peak of memory is its own. Pictures are JPEGs of
 * 100 x 100, each another one, and their copies are links to them. The 1 % are resized for real. Packing runs for the
 * sizes of --pack (30 GB for a million); for the others the pack of a training before is laid down, in which no two
 * pictures look the same. Times are by the clock, and of all threads' work.
 */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import seedrandom from 'seedrandom';
import sharp, { type Sharp } from 'sharp';
import { classes, conceptsOf } from '../demo/concepts.ts';
import { makers, openDrawings } from '../demo/makers.ts';
import { photograph } from '../demo/pictures.ts';
import { checkAll } from '../src/check/check.ts';
import { keyOf, packKey, packPictures } from '../src/dataset/pack.ts';
import { scanDataset } from '../src/dataset/scan.ts';
import { shuffle } from '../src/dataset/shuffle.ts';
import { applySoftLabels } from '../src/dataset/soft_labels.ts';
import { splitPictures } from '../src/dataset/split.ts';
import { findPictures } from '../src/images/find.ts';
import { copySettings, type ResizeOptions, resizeAll, surveyData } from '../src/images/resize.ts';
import { ResizeLedger } from '../src/images/resize_ledger.ts';
import { digestOf } from '../src/training/prepare.ts';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    pack: { type: 'string', default: '10000,100000' },
    json: { type: 'boolean', default: false },
    // For the processes that this one starts.
    measure: { type: 'string' },
    folder: { type: 'string', default: '' },
  },
});
const numbers = (list: string) => list.split(',').filter(Boolean).map(Number);
const distinct = 1000;
const picturesPerFolder = 10_000;
const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;

interface Row {
  pictures: number;
  what: string;
  's in all': number;
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

/** Rows of pixels of a restart interval: two blocks, since colours are halved. */
const stripRows = 16;

/** A photograph's JPEG with its colours halved and the tables of the standard, so that strips of several fit together. */
const encode = (picture: Sharp) =>
  picture.jpeg({ quality: 80, chromaSubsampling: '4:2:0', optimiseCoding: false }).toBuffer();

const scanStartOf = (jpeg: Buffer) => {
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  return scan + 2 + jpeg.readUInt16BE(scan + 2);
};

/** The strips of a photograph, entropy-coded. */
async function stripsOf(photo: Buffer): Promise<Buffer[]> {
  const strips: Buffer[] = [];
  for (let top = 0; top < size.height; top += stripRows) {
    const height = Math.min(stripRows, size.height - top);
    const strip = await encode(sharp(photo).extract({ left: 0, top, width: size.width, height }));
    strips.push(strip.subarray(scanStartOf(strip), -2));
  }
  return strips;
}

/** JPEGs whose strips of 16 rows are those of randomly chosen photographs: as quick to make as to copy, all different. */
async function pictureMaker(): Promise<MakePicture> {
  const random = seedrandom('scale');
  const photos: Buffer[][] = [];
  let pixels = Buffer.alloc(0);
  for (let index = 0; index < distinct; index++) {
    const concepts = conceptsOf(classes[index % classes.length] as (typeof classes)[number]);
    const drawing = openDrawings(makers[index % makers.length] as (typeof makers)[number]);
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

/** rawdata/, data/ and the ledger as after a first resizing. */
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
    const { size: bytes, mtimeMs } = statSync(join(rawData, pathOf(index)));
    ledger.set(pathOf(index), { size: bytes, modified: mtimeMs });
  }
  await ledger.close();
}

/** Other pictures in the place of every hundredth. */
function change({ count, resize: { rawData } }: Project, makePicture: MakePicture): void {
  for (let index = 0; index < count; index += 100) {
    const file = join(rawData, pathOf(index));
    // Its copy is a link to it.
    rmSync(file);
    writeFileSync(file, makePicture());
  }
}

/** What packing leaves, but for the pixels, which starting does not read. */
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

function run(what: string, { count }: Project, folder: string): Row {
  const own = ['--measure', what, '--folder', folder, '--sizes', String(count)];
  const file = fileURLToPath(import.meta.url);
  const output = execFileSync(process.execPath, ['--import', 'tsx', file, ...own], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output);
}

async function measure(what: string): Promise<Row> {
  const project = projectOf(options.folder, Number(options.sizes));
  const [before, workBefore] = [performance.now(), process.cpuUsage()];
  await measurements[what]?.(project);
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(workBefore);
  return {
    pictures: project.count,
    what,
    's in all': Number(seconds.toFixed(2)),
    'µs/picture': Number(((seconds * 1e6) / project.count).toFixed(1)),
    'µs of work/picture': Number(((user + system) / project.count).toFixed(1)),
    'peak MiB': Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

/** @throws {Error} where the temporary folder has too little room. */
function checkRoom(most: number): void {
  const { bavail, bsize, ffree } = statfsSync(tmpdir());
  // Files and folders' entries of two links each, what is known of them, and the largest pack.
  const bytes = 5000 * most + 30_000 * Math.max(0, ...numbers(options.pack)) + 2 ** 30;
  if (bavail * bsize < bytes || ffree < most + 10_000)
    throw new Error(`${tmpdir()} has too little room: ${Math.round(bytes / 2 ** 20)} MiB are needed`);
}

async function measureAll(): Promise<Row[]> {
  const rows: Row[] = [];
  checkRoom(Math.max(...numbers(options.sizes)));
  const makePicture = await pictureMaker();
  for (const count of numbers(options.sizes)) {
    const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
    try {
      const project = projectOf(folder, count);
      await writeProject(project, makePicture);
      const add = (what: string) => {
        rows.push(run(what, project, folder));
        if (!options.json) console.error(Object.values(rows.at(-1) as Row).join('  '));
      };
      add('list');
      add('check for the first time');
      add('check, nothing changed');
      add('resize, nothing changed');
      change(project, makePicture);
      add('resize, 1 % changed');
      if (numbers(options.pack).includes(count)) add('pack for the first time');
      await writePack(project);
      add('start training');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return rows;
}

if (options.measure !== undefined) {
  console.log(JSON.stringify(await measure(options.measure)));
} else {
  const rows = await measureAll();
  if (options.json) console.log(JSON.stringify({ bench: 'scale', rows }));
  else console.table(rows);
}
