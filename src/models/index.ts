import { article } from './article.ts';

export type { Architecture } from './architecture.ts';

/** Every network that `--architecture` can name. */
export const architectures = { article };
export type ArchitectureName = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as ArchitectureName[];
