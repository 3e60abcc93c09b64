import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { temporaryName, writeFileAtomically } from '../files.ts';
import { type PictureSize, readably, standardise } from './decode.ts';
import { type ClassFolder, findClasses, findPictures } from './find.ts';
import { copyNameOf } from './generated.ts';
import { resizeJpeg } from './jpeg/index.ts';
import { readSoftLabels, writeSoftLabels } from './soft_labels.ts';

export interface ResizeOptions extends PictureSize {
  rawData: string;
  data: string;
  /** Pictures in flight; 0: two for each core. */
  workers: number;
  onProgress?: (done: number, total: number) => void;
}

export interface ResizeReport {
  classes: string[];
  made: number;
  unchanged: number;
  removed: number;
  unreadable: { file: string; reason: string }[];
}

/** What was made of a source, by its path below rawdata. */
interface Entry {
  /** Size and time of change of the source. */
  stamp: string;
  /** Path below data; absent where the source could not be read. */
  copy?: string;
  unreadable?: string;
}

interface Ledger {
  settings: string;
  entries: Record<string, Entry>;
}

interface Work {
  source: string;
  copy: string;
  stamp: string;
  /** Another source whose copy has the same name. */
  collidesWith: string | undefined;
}

interface Plan {
  ledger: Ledger;
  classes: ClassFolder[];
  stale: Work[];
  /** Copies whose source is gone. */
  orphans: [source: string, entry: Entry][];
}

const ledgerName = '.resized.json';
const picturesBetweenSaves = 500;
const jpeg = { quality: 95, chromaSubsampling: '4:4:4' };
/** Goes up whenever the same picture would become another one. */
const maker = 2;

async function readLedger(data: string, settings: string): Promise<Ledger> {
  const empty = { settings, entries: {} };
  try {
    const ledger: Ledger = JSON.parse(await readFile(join(data, ledgerName), 'utf8'));
    if (ledger.settings === settings) return ledger;
    // Other settings: every copy is stale, yet still ours to replace or remove.
    for (const entry of Object.values(ledger.entries)) entry.stamp = '';
    return { settings, entries: ledger.entries };
  } catch {
    return empty;
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function isCurrent(entry: Entry | undefined, work: Work, data: string): Promise<boolean> {
  if (entry?.stamp !== work.stamp) return false;
  return (
    entry.unreadable !== undefined || (entry.copy === work.copy && (await exists(join(data, work.copy))))
  );
}

async function makePlan(options: ResizeOptions): Promise<Plan> {
  const { rawData, data, width, height, channels, fit } = options;
  const { classes } = await findPictures(rawData);
  const ledger = await readLedger(data, JSON.stringify({ width, height, channels, fit, jpeg, maker }));
  const sources = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const known = new Set(sources);
  const works = await mapConcurrently(sources, 0, async (source): Promise<Work & { current: boolean }> => {
    const { size, mtimeMs } = await stat(join(rawData, source));
    const copy = copyNameOf(source);
    const collidesWith = copy !== source && known.has(copy) ? copy : undefined;
    const work = { source, copy, collidesWith, stamp: `${size}-${mtimeMs}` };
    return { ...work, current: await isCurrent(ledger.entries[source], work, data) };
  });
  return {
    ledger,
    classes,
    stale: works.filter(({ current }) => !current),
    orphans: Object.entries(ledger.entries).filter(([source]) => !known.has(source)),
  };
}

/**
 * Whether data/ lacks something that resizeAll would make. Without raw pictures, data/ is taken as it is:
 * it can come from elsewhere.
 */
export async function isStale(options: ResizeOptions): Promise<boolean> {
  if ((await findClasses(options.rawData)).length === 0)
    return (await findClasses(options.data)).length === 0;
  const { stale, orphans } = await makePlan(options);
  return stale.length + orphans.length > 0;
}

async function makeCopy({ source, copy, collidesWith }: Work, options: ResizeOptions): Promise<void> {
  if (collidesWith) throw new Error(`its copy would have the name of ${collidesWith}; rename one of them`);
  const input = join(options.rawData, source);
  const output = join(options.data, copy);
  const { width, height, channels, fit } = options;
  const target = { width, height, channels, fit, quality: jpeg.quality };
  if (await resizeJpeg({ input, target, output })) return;
  await mkdir(dirname(output), { recursive: true });
  const temporary = temporaryName(output);
  const picture = await readably(input, () => standardise(input, options).jpeg(jpeg).toBuffer());
  try {
    await writeFile(temporary, picture);
    await rename(temporary, output);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function removeCopy(data: string, entry: Entry | undefined): Promise<void> {
  if (!entry?.copy) return;
  await rm(join(data, entry.copy), { force: true });
  // Fails where something else is still in the folder, which is then to stay.
  await rmdir(dirname(join(data, entry.copy))).catch(() => {});
}

/**
 * Makes data/<class>/*.jpg of rawdata/<class>/*: one size, one format. Only what changed is done again; what
 * cannot be read is left out and reported each time.
 * @throws {UserError} where there are no classes or nothing of a class can be read.
 */
export async function resizeAll(options: ResizeOptions): Promise<ResizeReport> {
  const { data, workers, onProgress } = options;
  const { ledger, classes, stale, orphans } = await makePlan(options);
  await mkdir(data, { recursive: true });
  const save = () => writeFileAtomically(join(data, ledgerName), `${JSON.stringify(ledger)}\n`);

  for (const [source, entry] of orphans) {
    await removeCopy(data, entry);
    delete ledger.entries[source];
  }
  let done = 0;
  let made = 0;
  let saving = Promise.resolve();
  try {
    await mapConcurrently(stale, workers, async (work) => {
      const { source, copy, stamp } = work;
      try {
        await makeCopy(work, options);
        ledger.entries[source] = { stamp, copy };
        made++;
      } catch (error) {
        await removeCopy(data, ledger.entries[source]);
        ledger.entries[source] = { stamp, unreadable: reason(error) };
      }
      onProgress?.(++done, stale.length);
      // So that an interrupted run goes on where it was.
      if (done % picturesBetweenSaves === 0) saving = saving.then(save);
    });
  } finally {
    await saving;
    if (stale.length + orphans.length > 0) await save();
    await writeSoftLabels(data, await readSoftLabels(options.rawData));
  }
  const report = summarise(options, ledger, classes);
  return { ...report, made, unchanged: report.unchanged - made, removed: orphans.length };
}

function summarise({ rawData }: ResizeOptions, ledger: Ledger, classes: ClassFolder[]): ResizeReport {
  for (const { name, pictures } of classes) {
    const readable = pictures.filter((picture) => ledger.entries[`${name}/${picture}`]?.copy);
    if (readable.length > 0) continue;
    const why = pictures.length === 0 ? 'is empty' : `holds no readable picture (${pictures.length} files)`;
    throw new UserError(`${join(rawData, name)} ${why}; add pictures or remove the folder.`);
  }
  const entries = Object.entries(ledger.entries);
  return {
    classes: classes.map(({ name }) => name),
    made: 0,
    unchanged: entries.filter(([, { copy }]) => copy).length,
    removed: 0,
    unreadable: entries
      .filter(([, { unreadable }]) => unreadable)
      .map(([source, { unreadable = '' }]) => ({ file: join(rawData, source), reason: unreadable }))
      .sort((a, b) => (a.file < b.file ? -1 : 1)),
  };
}
