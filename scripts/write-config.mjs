/** Writes config.ts at the root from the table of settings: `npm run config`. */
import { writeFileSync } from 'node:fs';
import { configFile } from '../src/config/config_file.ts';

writeFileSync(new URL('../config.ts', import.meta.url), configFile());
