import { join } from 'node:path';
import { readLabelsFile } from '../dataset/labels_file.ts';
import { labelSetsInFile, labelSetsInFolders } from '../evaluation/multi_label/pictures.ts';
import { type LabelledPicture, picturesOf } from '../evaluation/pictures.ts';
import { findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';

/** Where the labelled pictures are, and what a label is. */
export interface LabelledSource {
  /** Folder with a subfolder of labelled pictures per class. It may have none yet. */
  rawData: string;
  /** Whether a picture can show several classes, or none. */
  isMultiLabel: boolean;
  /** With isMultiLabel: a labels file, or 'off' where the same picture lies in the folder of each class that it shows. */
  labels: string;
}

/** The labelled pictures, without what augment made of them. */
export interface Labelled {
  classes: string[];
  files: string[];
  /** [files]: indices of the classes that each shows; one unless they can show several. */
  labelSets: number[][];
}

/** @throws {UserError} where the labels file cannot be read. */
export async function findLabelled(source: LabelledSource): Promise<Labelled> {
  const { rawData, isMultiLabel, labels } = source;
  if (labels !== 'off') return listedIn(labels, rawData);
  const found = await findPictures(rawData).catch(() => ({ classes: [] }));
  const classes = found.classes.map(({ name }) => name);
  const paths = found.classes.flatMap(({ name, pictures }) => pictures.map((one) => `${name}/${one}`));
  if (paths.length === 0) return labelledOf(classes, []);
  const { pictures } = await (isMultiLabel ? labelSetsInFolders : picturesOf)(rawData, classes);
  const generated = await findGenerated(rawData, paths);
  const copies = new Set([...generated.keys()].map((path) => join(rawData, path)));
  return labelledOf(
    classes,
    pictures.filter(({ file }) => !copies.has(file)),
  );
}

async function listedIn(file: string, rawData: string): Promise<Labelled> {
  const rows = await readLabelsFile(file);
  const classes = [...new Set(rows.flatMap(({ labels }) => labels))].sort();
  if (classes.length === 0) return labelledOf(classes, []);
  return labelledOf(classes, (await labelSetsInFile(rawData, file, classes)).pictures);
}

function labelledOf(classes: string[], pictures: LabelledPicture[]): Labelled {
  return {
    classes,
    files: pictures.map(({ file }) => file),
    labelSets: pictures.map(({ label, labels }) => labels ?? [label]),
  };
}
