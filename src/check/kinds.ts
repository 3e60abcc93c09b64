/** The kinds of findings, in the order of the report. */
export const kinds = {
  folder: { title: 'Skipped folders', advice: 'Their files are neither checked nor trained on.' },
  unreadable: { title: 'Unreadable files', advice: 'Training leaves them out.' },
  unsupported: {
    title: 'Files of unsupported formats',
    advice: 'Training leaves them out until they are converted.',
  },
  damaged: { title: 'Damaged pictures', advice: 'Training uses what can be decoded of them.' },
  extension: { title: 'Wrong extensions', advice: 'They are read by their content.' },
  tiny: { title: 'Tiny pictures', advice: 'Enlarged, they are blurred.' },
  aspect: { title: 'Extreme aspect ratios', advice: 'Little of them is recognisable once they are resized.' },
  uniform: { title: 'Empty pictures', advice: 'A single colour, from which nothing can be learned.' },
  duplicate: { title: 'Duplicates', advice: 'A file that is there twice counts twice.' },
  similar: {
    title: 'Pictures that look the same',
    advice: 'Resized, recompressed or slightly changed copies; the split keeps them together.',
  },
  ambiguous: {
    title: 'The same picture in two classes',
    advice: 'Keep it in one of them, or remove it.',
  },
  'similar-ambiguous': {
    title: 'Pictures of two classes that look the same',
    advice: 'Check that they are in the right class.',
  },
  label: {
    title: 'Pictures that may be in the wrong class',
    advice: 'Look at each; those that are in the wrong class are moved by "bat-sup check --move".',
  },
  few: {
    title: 'Small classes',
    advice: 'Too few pictures to train and validate with; a few hundred are a good start.',
  },
  imbalance: {
    title: 'Imbalanced classes',
    advice: 'A network favours the larger class; collect more pictures, or balance with "bat-sup augment".',
  },
} as const;

/** A kind of finding. */
export type Kind = keyof typeof kinds;

export const kindNames = Object.keys(kinds) as Kind[];

/** One problem in the raw pictures. */
export interface Finding {
  kind: Kind;
  /**
   * Paths below the folder of raw pictures, with '/'. Pictures that look the same are sorted by size, largest first;
   * of the kind 'label' the first is in doubt, and the others resemble it most.
   */
  files: string[];
  /** The reason in a few words. */
  why: string;
  /** For the kind 'label': the class that the other pictures suggest and the one it is in, with probabilities of 0 to 1. */
  label?: { class: string; probability: number; own: string; ownProbability: number };
}

/** Kinds whose files can be quarantined: all files of a finding, or all but the first. */
export const movable: Partial<Record<Kind, 'all' | 'all but the first'>> = {
  unreadable: 'all',
  unsupported: 'all',
  damaged: 'all',
  extension: 'all',
  tiny: 'all',
  aspect: 'all',
  uniform: 'all',
  duplicate: 'all but the first',
  similar: 'all but the first',
  ambiguous: 'all',
  'similar-ambiguous': 'all',
};

/** Kinds that are quarantined by default: the certain ones. */
export const movedByDefault: Kind[] = ['unreadable', 'tiny', 'uniform', 'duplicate', 'ambiguous'];
