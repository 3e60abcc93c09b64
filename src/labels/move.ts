import { open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated, generatedNameOf, parseGeneratedName } from '../images/generated.ts';
import { syncFolder } from '../system/files.ts';
import { areSame, moveSafely, numberedName, pathExists } from '../system/move.ts';
import { readCsv } from '../text/csv.ts';
import { quoted } from '../text/quoted.ts';

/** A move of a file, paths below rawdata with '/'. */
interface Move {
  from: string;
  to: string;
}

/** What {@link moveToClasses} and {@link moveBack} have done. */
export interface Relabelled {
  moved: Move[];
  failed: { file: string; reason: string }[];
}

export interface RelabelOptions {
  /** Folder with a subfolder of pictures per class. */
  rawData: string;
  /** A CSV file with the columns `file`, below rawData, and `class`, where it belongs. */
  list: string;
  signal?: AbortSignal | undefined;
}

/** Records the moves of a list before they are made. */
const journalOf = (list: string) => `${list}.moved.jsonl`;

function isWithin(folder: string, file: string): boolean {
  return resolve(file).startsWith(resolve(folder) + sep);
}

/** The rows of a list, by file: the class that it names. @throws {UserError} where a row cannot be followed. */
async function readList(
  { rawData, list }: RelabelOptions,
  classes: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const rows = await readFile(list, 'utf8')
    .then(readCsv)
    .catch((error) => {
      throw new UserError(
        `The list ${list} cannot be read (${reason(error)}); "bat-sup check --labels --csv" prints one.`,
      );
    });
  const wanted = new Map<string, string>();
  for (const { cells, line } of rows) {
    const { file, class: name } = cells;
    const where = `${list}, line ${line}`;
    if (file === undefined || name === undefined)
      throw new UserError(
        `${list} needs the columns file and class; "bat-sup check --labels --csv" prints them.`,
      );
    if (!isWithin(rawData, join(rawData, file)) || !file.includes('/'))
      throw new UserError(
        `${where}: ${quoted(file)} is not a picture of a class in ${rawData}; leave it out.`,
      );
    if (!classes.has(name))
      throw new UserError(`${where}: ${rawData} has no class ${quoted(name)}; make its folder first.`);
    if (wanted.has(file)) throw new UserError(`${where}: ${quoted(file)} is listed twice; leave one.`);
    wanted.set(file, name);
  }
  return wanted;
}

/** A path in another class that is free, or that an interrupted move of this file already took. */
async function pathIn(rawData: string, name: string, file: string, taken: Set<string>): Promise<string> {
  const inClass = file.slice(file.indexOf('/') + 1);
  for (let count = 1; ; count++) {
    const to = `${name}/${numberedName(inClass, count)}`;
    const isFree =
      !(await pathExists(join(rawData, to))) ||
      (await areSame(join(rawData, file), join(rawData, to)).catch(() => false));
    if (!isFree || taken.has(to)) continue;
    taken.add(to);
    return to;
  }
}

/** The moves of a list that are not recorded yet: each picture, then what augment made of it, whose names follow its own. */
async function movesOf(options: RelabelOptions, recorded: ReadonlySet<string>): Promise<Move[]> {
  const { rawData, list } = options;
  const { classes } = await findPictures(rawData);
  const wanted = await readList(options, new Set(classes.map(({ name }) => name)));
  const paths = classes.flatMap(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = [...(await findGenerated(rawData, paths))];
  const there = new Set(paths);
  const taken = new Set<string>();
  const moves: Move[] = [];
  for (const [file, name] of wanted) {
    if (recorded.has(file) || file.split('/')[0] === name) continue;
    if (!there.has(file))
      throw new UserError(
        `${list} names ${join(rawData, file)}, which is not there; leave it out, or print the list again.`,
      );
    const to = await pathIn(rawData, name, file, taken);
    moves.push({ from: file, to });
    for (const [copy, { source }] of generated) {
      const number = parseGeneratedName(basename(copy))?.copy;
      if (source === file && number !== undefined)
        moves.push({ from: copy, to: generatedNameOf(to, number) });
    }
  }
  return moves;
}

async function readJournal(list: string): Promise<Move[]> {
  const text = await readFile(journalOf(list), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line): Move[] => {
    try {
      const { from, to } = JSON.parse(line);
      return typeof from === 'string' && typeof to === 'string' ? [{ from, to }] : [];
    } catch {
      // A torn line: its file has not been moved.
      return [];
    }
  });
}

async function appendToJournal(list: string, moves: Move[]): Promise<void> {
  const handle = await open(journalOf(list), 'a');
  try {
    await handle.appendFile(`\n${moves.map((move) => `${JSON.stringify(move)}\n`).join('')}`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(resolve(list)));
}

async function moveAll(moves: Move[], { rawData, signal }: RelabelOptions): Promise<Relabelled> {
  const result: Relabelled = { moved: [], failed: [] };
  for (const move of moves) {
    if (signal?.aborted) break;
    try {
      await moveSafely(join(rawData, move.from), join(rawData, move.to));
      result.moved.push(move);
    } catch (error) {
      result.failed.push({ file: move.from, reason: reason(error) });
    }
  }
  return result;
}

/**
 * Moves the pictures of a list to the folders of the classes that it names, with what augment made of them. Nothing is deleted
 * or overwritten: where a name is taken, the picture gets a number. The moves are recorded beside the list first, for
 * {@link moveBack}; after an interruption it can be run again.
 * @throws {UserError} where the list cannot be followed; then nothing has been moved.
 * @example
 * ```ts
 * import { moveToClasses } from 'bat-sup';
 *
 * // wrong.csv: the line file,class and then bat/cow.png,sup
 * const { moved } = await moveToClasses({ rawData: 'rawdata', list: 'wrong.csv' });
 * console.log(moved); // [{ from: 'bat/cow.png', to: 'sup/cow.png' }]
 * ```
 */
export async function moveToClasses(options: RelabelOptions): Promise<Relabelled> {
  const { rawData, list } = options;
  const recorded = await readJournal(list);
  const moves = await movesOf(options, new Set(recorded.map(({ from }) => from)));
  if (moves.length > 0) await appendToJournal(list, moves);
  return moveAll(await thoseThere(rawData, [...recorded, ...moves]), options);
}

/** The moves that are still to be made. */
async function thoseThere(rawData: string, moves: Move[]): Promise<Move[]> {
  const isThere = await Promise.all(moves.map(({ from }) => pathExists(join(rawData, from))));
  return moves.filter((_, index) => isThere[index]);
}

/**
 * Moves the pictures that {@link moveToClasses} moved back to where they were.
 * @throws {UserError} where nothing is recorded for the list.
 * @example
 * ```ts
 * import { moveBack, UserError } from 'bat-sup';
 *
 * try {
 *   const { moved } = await moveBack({ rawData: 'rawdata', list: 'wrong.csv' });
 *   console.log(moved.length);
 * } catch (error) {
 *   if (!(error instanceof UserError)) throw error;
 *   console.log(error.message); // wrong.csv.moved.jsonl records no moves ...
 * }
 * ```
 */
export async function moveBack(options: RelabelOptions): Promise<Relabelled> {
  const { rawData, list } = options;
  const moves = await readJournal(list);
  if (moves.length === 0)
    throw new UserError(`${journalOf(list)} records no moves; name the list that --move was given.`);
  for (const { from, to } of moves)
    for (const path of [from, to])
      if (!isWithin(rawData, join(rawData, path)))
        throw new UserError(
          `${journalOf(list)} names ${path}, which is not below ${rawData}; give --raw-data.`,
        );
  const back = await thoseThere(
    rawData,
    moves.reverse().map(({ from, to }) => ({ from: to, to: from })),
  );
  const result = await moveAll(back, options);
  if (result.failed.length === 0 && !options.signal?.aborted) await rm(journalOf(list), { force: true });
  return result;
}
