/** American spellings that users may write for names of operations and parameters. Files and output have ours. */
const ours = {
  center: 'centre',
  color: 'colour',
  cropCenter: 'cropCentre',
  grayscale: 'greyscale',
  histogramEqualization: 'histogramEqualisation',
  jpegArtifacts: 'jpegArtefacts',
  posterize: 'posterise',
  randomize: 'randomise',
  solarize: 'solarise',
} as const;

/** The American spelling of a name; never where it has none. */
export type AmericanOf<Name> = {
  [American in keyof typeof ours]: (typeof ours)[American] extends Name ? American : never;
}[keyof typeof ours];

function toOurs(name: string): string {
  return Object.hasOwn(ours, name) ? ours[name as keyof typeof ours] : name;
}

/** An operation as config.ts names it, a name or { operation, parameters }, with our spellings of its names. */
export function withOurSpelling<T>(setting: T): T {
  if (typeof setting === 'string') return toOurs(setting) as T;
  if (typeof setting !== 'object' || setting === null) return setting;
  const entries = Object.entries(setting).map(([key, value]) =>
    key === 'operation' && typeof value === 'string' ? [key, toOurs(value)] : [toOurs(key), value],
  );
  return Object.fromEntries(entries);
}
