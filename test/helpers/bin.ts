import { fileURLToPath } from 'node:url';

/** The built command: `node bin train ...`. */
export const bin = fileURLToPath(new URL('../../dist/bin/bat-sup.js', import.meta.url));
