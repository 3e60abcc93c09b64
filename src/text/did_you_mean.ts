/** Our names for the options of other tools, which are written here in lower case, without "-" and "_". */
const otherWords: Record<string, string[]> = {
  arch: ['architecture'],
  backbone: ['pretrained', 'architecture'],
  basemodel: ['from'],
  batch: ['batchSize'],
  bs: ['batchSize'],
  ckpt: ['checkpoint'],
  clipnorm: ['clipNorm'],
  conf: ['threshold'],
  centercrop: ['crop'],
  croppct: ['crop'],
  cuda: ['engine'],
  datadir: ['rawData'],
  dataset: ['rawData'],
  device: ['engine'],
  freezelayers: ['freeze'],
  gpu: ['engine'],
  gradclip: ['clipNorm'],
  gradientclipval: ['clipNorm'],
  imagesize: ['width', 'height'],
  initfrom: ['from'],
  initialcheckpoint: ['from'],
  img: ['width', 'height'],
  imgsize: ['width', 'height'],
  imgsz: ['width', 'height'],
  interpolation: ['filter'],
  lr: ['learningRate'],
  lr0: ['learningRate'],
  lrscheduler: ['learningRateSchedule'],
  maxepochs: ['epochs'],
  maxgradnorm: ['clipNorm'],
  model: ['architecture', 'from', 'checkpoint'],
  name: ['run'],
  numepochs: ['epochs'],
  numtrainepochs: ['epochs'],
  numworkers: ['workers'],
  outputdir: ['output', 'checkpoints'],
  patience: ['earlyStopping'],
  perdevicetrainbatchsize: ['batchSize'],
  project: ['checkpoints'],
  randomstate: ['seed'],
  resample: ['filter'],
  savedir: ['output', 'checkpoints'],
  scheduler: ['learningRateSchedule'],
  size: ['width', 'height'],
  std: ['deviation'],
  v: ['version', 'verbose'],
  valpct: ['validationSplit'],
  valsplit: ['validationSplit'],
  validpct: ['validationSplit'],
  warmupepochs: ['warmup'],
  wd: ['weightDecay'],
  weights: ['from', 'checkpoint'],
};

const plain = (word: string) => word.replace(/[-_]/g, '').toLowerCase();

/** With more edits than this, or than a third of its letters, it is a different word. */
const maxEdits = 3;

/**
 * The known words that an unknown one may stand for: other spellings, our names for another tool's option, or the words
 * with the smallest edit distance; [] where none is close.
 */
export function wordsMeant(word: string, known: readonly string[]): string[] {
  const wanted = plain(word);
  const same = known.filter((one) => plain(one) === wanted);
  if (same.length > 0) return same;
  const ours = Object.hasOwn(otherWords, wanted) ? (otherWords[wanted] as string[]).map(plain) : [];
  const translated = known.filter((one) => ours.includes(plain(one)));
  if (translated.length > 0) return translated;
  const distances = known.map((one) => editDistance(wanted, plain(one)));
  const closest = Math.min(...distances);
  if (closest > Math.min(maxEdits, wanted.length / 3)) return [];
  return known.filter((_, index) => distances[index] === closest);
}

/** '; did you mean --width or --height?', or '' where nothing is close. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = wordsMeant(word, known);
  return meant.length > 0 ? `; did you mean ${meant.join(' or ')}?` : '';
}

/** Edit distance with insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      (rows[i] as number[])[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        isSwapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(a.length, b.length);
}
