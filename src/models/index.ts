import { article } from './article.ts';
import { deep } from './deep.ts';
import { residual } from './residual.ts';

export type { Architecture } from './architecture.ts';

/** Every network that `--architecture` can name. */
export const architectures = { article, deep, residual };
export type ArchitectureName = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as ArchitectureName[];
