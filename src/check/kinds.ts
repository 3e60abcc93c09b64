/** What can be wrong with raw pictures, in the order of the report. */
export const kinds = {
  folder: { title: 'Passed over', advice: 'What is in them is neither checked nor trained on.' },
  unreadable: { title: 'Unreadable files', advice: 'Training goes without them.' },
  unsupported: {
    title: 'Files of kinds that are not read',
    advice: 'Training goes without them until they are converted.',
  },
  damaged: { title: 'Damaged pictures', advice: 'Training uses what can be decoded of them.' },
  extension: { title: 'Wrong extensions', advice: 'They are read as what they are.' },
  tiny: { title: 'Tiny pictures', advice: 'Enlarged, they are a blur.' },
  aspect: { title: 'Extreme aspect ratios', advice: 'Made square, little of them can be recognised.' },
  uniform: { title: 'Empty pictures', advice: 'One even colour, from which nothing can be learnt.' },
  duplicate: { title: 'Duplicates', advice: 'The same file more than once counts more than others.' },
  similar: {
    title: 'Pictures that look the same',
    advice: 'Resized, recompressed or slightly changed copies; training and validation never share them.',
  },
  ambiguous: {
    title: 'The same picture in two classes',
    advice: 'It cannot be both; decide on one, or leave it out.',
  },
  'similar-ambiguous': {
    title: 'Pictures of two classes that look the same',
    advice: 'Look whether they are sorted right.',
  },
  few: {
    title: 'Classes of few pictures',
    advice: 'Too few to learn from and to validate with; some hundred are a good start.',
  },
  imbalance: {
    title: 'Classes of unequal size',
    advice:
      'A network prefers the class that it sees most; collect more, or even out with "bat-sup augment".',
  },
} as const;

export type Kind = keyof typeof kinds;

export const kindNames = Object.keys(kinds) as Kind[];

/** One thing that is wrong. */
export interface Finding {
  kind: Kind;
  /** Paths below the folder of raw pictures, with '/'; of pictures that look the same, the largest first. */
  files: string[];
  /** In a few words. */
  why: string;
}

/** Kinds whose files can be moved away, and whether one of a finding's files stays. */
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

/** Kinds that are moved unless others are named: those that are beyond doubt. */
export const movedByDefault: Kind[] = ['unreadable', 'tiny', 'uniform', 'duplicate', 'ambiguous'];
