/**
 * Time of `bat-sup similar` in large folders, whole processes.
 *
 * npm run bench -- similar [--pictures 1000,10000,100000] [--rounds 3] [--engine auto] [--json]
 *
 * A folder of links to 600 photographs of 640 x 480, whose features are known before; whatever else depends on the number of
 * files (listing, the index and the search in it) is as with different ones. "new index" is the first search of a folder;
 * "again" asks about another picture.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bin } from '../test/helpers/bin.ts';
import { folderWith, maxPhotographs, useFreshCache } from './inputs/pretrained_trainings.ts';
import { timeCommand } from './measure/command.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({ pictures: [1000, 10_000, 100_000], rounds: 3, engine: 'auto' });

useFreshCache();

/** A search for what resembles a picture of a folder. @returns seconds. */
function search(folder: string, picture: string): number {
  const command = [
    ...[process.execPath, bin, 'similar', join(folder, 'one', picture)],
    ...['--in', folder, '--engine', options.engine, '--json'],
  ];
  return timeCommand({ name: 'bat-sup similar', command }, folder).seconds;
}

const photographs = join(await folderWith(maxPhotographs), 'rawdata');
search(photographs, '0.jpg');
const rows = [];
for (const count of options.pictures) {
  const folder = join(await folderWith(count), 'rawdata');
  const [first = '', ...others] = readdirSync(join(folder, 'one'));
  const newIndex = search(folder, first);
  const seconds = others.slice(0, options.rounds).map((picture) => search(folder, picture));
  rows.push({
    pictures: count,
    'new index, s': round(newIndex, 1),
    'again, s': round(median(seconds), 2),
    'slowest, s': round(Math.max(...seconds), 2),
  });
}
report('similar', options, { rows });
