import { article } from './article.ts';
import { deep } from './deep.ts';
import { residual } from './residual.ts';

export type { Architecture } from './architecture.ts';

/** Every network that `--architecture` can name. */
export const architectures = { article, deep, residual };
export type ArchitectureName = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as ArchitectureName[];

/** What `--architecture` takes: a network's name, or auto. */
export const architectureChoices = [...architectureNames, 'auto'] as const;

/** Of these many classes and more, 'auto' takes the residual network. */
const classesForResidual = 50;
/** Pixels of the shorter side below which a residual network has too few levels. */
const sideForResidual = 32;

/**
 * The network that `--architecture` names. auto: deep; from 50 classes on residual, where the shorter side of the
 * pictures has 32 pixels or more. Both have the more channels the more classes there are, and the more levels the
 * larger the pictures are (growth.ts).
 */
export function resolveArchitecture(
  choice: (typeof architectureChoices)[number],
  { classes, width, height }: { classes: number; width: number; height: number },
): ArchitectureName {
  if (choice !== 'auto') return choice;
  return classes >= classesForResidual && Math.min(width, height) >= sideForResidual ? 'residual' : 'deep';
}
