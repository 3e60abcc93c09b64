import { join } from 'node:path';
import type { LabelledPictures } from '../check/findings.ts';
import type { Finding } from '../check/kinds.ts';
import type { FeatureNetwork } from '../transfer/feature_network.ts';
import { type FileFeatureOptions, featuresOfFiles } from '../transfer/file_features.ts';
import { type Suspicion, suspicionsOf } from './suspicions.ts';

export interface LabelOptions extends FileFeatureOptions {
  seed: number;
  threads: number;
}

/** Of the pictures whose labels are unlikely, the share that is listed: the least likely. */
const maxShare = 0.1;

function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;
}

function findingOf({ paths, labels, classes }: LabelledPictures, suspicion: Suspicion): Finding {
  const { picture, probability, likeliest, nearest } = suspicion;
  const own = classes[labels[picture] as number] as string;
  const other = classes[likeliest.label] as string;
  return {
    kind: 'label',
    files: [picture, ...nearest].map((index) => paths[index] as string),
    why: `rather ${other} (${percent(likeliest.probability)}) than ${own} (${percent(probability)})`,
    label: { class: other, probability: likeliest.probability, own, ownProbability: probability },
  };
}

/**
 * Finds pictures that seem to lie in the wrong class: those whose own class is not the likeliest by all other pictures, at
 * most a tenth of all, the least likely first. An engine must be running.
 * @returns undefined where the signal ended it. The files of a finding are the picture and those that resemble it most.
 */
export async function findWrongLabels(
  pictures: LabelledPictures,
  network: FeatureNetwork,
  options: LabelOptions,
): Promise<Finding[] | undefined> {
  const { rawData, paths, labels, groups, classes } = pictures;
  const files = paths.map((path) => join(rawData, path));
  const found = await featuresOfFiles(files, network, options);
  if (!found) return undefined;
  const { read, features } = found;
  const compared = {
    ...pictures,
    paths: read.map((index) => paths[index] as string),
    labels: read.map((index) => labels[index] as number),
  };
  const suspicions = await suspicionsOf(
    {
      features,
      length: network.length,
      labels: compared.labels,
      groups: read.map((index) => groups[index] as number),
      classes: classes.length,
    },
    options,
  );
  return suspicions
    .filter(({ picture, likeliest }) => likeliest.label !== compared.labels[picture])
    .slice(0, Math.ceil(maxShare * read.length))
    .map((suspicion) => findingOf(compared, suspicion));
}
