import { article } from './article.ts';
import { deep } from './deep.ts';
import { efficientNetLite0, efficientNetLite1, efficientNetLite2 } from './efficient_net.ts';
import { residual } from './residual.ts';

export type { Architecture } from './architecture.ts';

/** Every network that `--architecture` can name. */
export const architectures = {
  article,
  deep,
  residual,
  'efficientnet-lite0': efficientNetLite0,
  'efficientnet-lite1': efficientNetLite1,
  'efficientnet-lite2': efficientNetLite2,
};
export type ArchitectureName = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as ArchitectureName[];

/** The values of `--architecture`: a network's name, or auto. */
export const architectureChoices = [...architectureNames, 'auto'] as const;

/** Number of classes from which 'auto' chooses the residual network. */
const classesForResidual = 50;
/** Pixels of the shorter side below which a residual network would have too few stages. */
const sideForResidual = 32;

/**
 * The network for a value of `--architecture`. 'auto' chooses deep, or residual for 50 classes or more if the shorter side
 * of the pictures has at least 32 pixels. In both, more classes mean more channels, and larger pictures more stages
 * (growth.ts).
 */
export function resolveArchitecture(
  choice: (typeof architectureChoices)[number],
  { classes, width, height }: { classes: number; width: number; height: number },
): ArchitectureName {
  if (choice !== 'auto') return choice;
  return classes >= classesForResidual && Math.min(width, height) >= sideForResidual ? 'residual' : 'deep';
}
