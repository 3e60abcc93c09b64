import { join } from 'node:path';
import { type Dataset, type Picture, pathBelow } from '../dataset/scan.ts';
import type { Side, Split } from '../dataset/split.ts';
import { cannotWrite, reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readJson } from '../system/read_json.ts';
import { list, object, oneOf, optional, string, whole } from '../text/json.ts';

interface RecordedPicture {
  /** Path relative to the folder of pictures, with '/'. */
  file: string;
  /** The digest of its raw file, whatever its name; see {@link Picture.digest}. */
  digest?: string;
}

/** <run>/validation.json: the pictures on each side. Those held back are never trained on. */
export interface HeldBack {
  format: 'bat-sup validation';
  version: 1;
  /** The value `training.dataset` of the checkpoints that it belongs to. */
  dataset: string;
  /** Folder of the pictures, as the settings have it. */
  data: string;
  /** Those held back, with the index of their class, with --multi-label those of all their classes, and the raw picture they were resized from. */
  pictures: (RecordedPicture & { label: number; labels?: number[]; source?: string })[];
  /** Those trained on, without copies that augment made; absent in runs of older versions. */
  trained?: RecordedPicture[];
  /** Pictures that had a side and are missing now; they get it back when they return. */
  absent?: (RecordedPicture & { side: Side })[];
}

const fileOf = (run: string) => join(run, 'validation.json');

/** @throws {UserError} where it cannot be written. */
export async function saveHeldBack(
  run: string,
  {
    data,
    dataset,
    split,
    digest,
    before,
  }: { data: string; dataset: Dataset; split: Split; digest: string; before?: HeldBack | undefined },
): Promise<void> {
  const ownOf = (indexes: number[]) =>
    indexes.map((index) => dataset.pictures[index] as Picture).filter(({ copyOf }) => copyOf === undefined);
  const record = ({ file, digest }: Picture): RecordedPicture => ({
    file: pathBelow(data, file),
    ...(digest !== undefined && { digest }),
  });
  const heldBack: HeldBack = {
    format: 'bat-sup validation',
    version: 1,
    dataset: digest,
    data,
    pictures: ownOf(split.validation).map((picture) => ({
      ...record(picture),
      label: picture.label,
      ...(picture.labels && { labels: picture.labels }),
      ...(picture.source !== undefined && { source: picture.source }),
    })),
    trained: ownOf(split.train).map(record),
    absent: before ? absentOf(before, dataset.pictures, data) : [],
  };
  const text = `${JSON.stringify(heldBack)}\n`;
  await writeFileAtomically(fileOf(run), text).catch((error) => cannotWrite(fileOf(run), error));
}

/** The recorded pictures that are not among these: recognised by digest, or by name if they have none. */
function absentOf(before: HeldBack, pictures: Picture[], data: string): NonNullable<HeldBack['absent']> {
  const files = new Set(pictures.map(({ file }) => pathBelow(data, file)));
  const digests = new Set(pictures.map(({ digest }) => digest));
  const isThere = ({ file, digest }: RecordedPicture) =>
    digest === undefined ? files.has(file) : digests.has(digest);
  const ofSide = (some: RecordedPicture[], side: Side) =>
    some
      .filter((picture) => !isThere(picture))
      .map(({ file, digest }) => ({ file, ...(digest !== undefined && { digest }), side }));
  return [
    ...(before.absent ?? []).filter((picture) => !isThere(picture)),
    ...ofSide(before.trained ?? [], 'train'),
    ...ofSide(before.pictures, 'validation'),
  ];
}

/**
 * The side that each picture was on: recognised by digest, or else by name; a copy that augment made is on the side of
 * its source. Undefined for new pictures.
 * @param data folder of the pictures.
 */
export function sidesBefore(
  { pictures: held, trained, absent = [] }: HeldBack,
  pictures: Picture[],
  data: string,
): (Side | undefined)[] {
  const byFile = new Map<string, Side>();
  const byDigest = new Map<string, Side>();
  const note = (some: RecordedPicture[], side: Side) => {
    for (const { file, digest } of some) {
      byFile.set(file, side);
      if (digest !== undefined) byDigest.set(digest, side);
    }
  };
  for (const picture of absent) note([picture], picture.side);
  note(trained ?? [], 'train');
  note(held, 'validation');
  // Runs of older versions do not say what was trained on: it may be everything else.
  const other = trained ? undefined : 'train';
  const sideOf = ({ file, digest }: Pick<Picture, 'file' | 'digest'>): Side | undefined =>
    byDigest.get(digest ?? '') ?? byFile.get(pathBelow(data, file)) ?? other;
  const sources = new Map(pictures.map((picture) => [picture.file, sideOf(picture)]));
  return pictures.map(({ file, copyOf }) => {
    if (copyOf === undefined) return sources.get(file);
    return sources.has(copyOf) ? sources.get(copyOf) : sideOf({ file: copyOf });
  });
}

/** A million pictures make about 100 MB. */
const maxBytes = 2 ** 30;

const heldBackShape = object({
  format: oneOf('bat-sup validation'),
  version: oneOf(1),
  dataset: string,
  data: string,
  pictures: list(
    object({
      file: string,
      label: whole(),
      labels: optional(list(whole())),
      source: optional(string),
      digest: optional(string),
    }),
  ),
  trained: optional(list(object({ file: string, digest: optional(string) }))),
  absent: optional(
    list(object({ file: string, digest: optional(string), side: oneOf('train', 'validation') })),
  ),
});

/**
 * The pictures that a run holds back; undefined where it has no validation.json.
 * @throws {UserError} where that cannot be read: training would then use pictures that were held back.
 */
export async function readHeldBack(run: string): Promise<HeldBack | undefined> {
  const file = fileOf(run);
  try {
    return await readJson<HeldBack>(file, { maxBytes, shape: heldBackShape });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `${file} cannot be read (${reason(error)}), so it is not known which pictures are held back; ` +
        'restore it from a copy, or delete it to have "bat-sup train --resume" split the pictures again.',
    );
  }
}
