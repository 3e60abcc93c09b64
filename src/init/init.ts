import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { makeFolder } from '../system/files.ts';
import { projectFiles } from './files.ts';

export interface InitReport {
  folder: string;
  /** Names in the folder. */
  made: string[];
  /** What was there before and is left unchanged. */
  kept: string[];
}

/**
 * Makes a project folder with config.ts, .gitignore, package.json and rawdata/. Existing files are left unchanged.
 * @param sample whether to draw pictures of two classes.
 * @throws {UserError} where the folder cannot be written, or the sample is asked for and rawdata/ is not empty.
 */
export async function initProject(folder: string, { sample }: { sample: boolean }): Promise<InitReport> {
  const report: InitReport = { folder, made: [], kept: [] };
  try {
    const rawData = join(folder, 'rawdata');
    const isNewFolder = await makeFolder(rawData);
    for (const [name, text] of Object.entries(projectFiles())) {
      // 'wx' fails where the file exists, so nothing is overwritten.
      const isNew = await writeFile(join(folder, name), text, { flag: 'wx' }).then(() => true, ifThere);
      (isNew ? report.made : report.kept).push(name);
    }
    (isNewFolder ? report.made : report.kept).push('rawdata/');
    if (!sample) return report;
    if ((await readdir(rawData)).some((name) => !name.startsWith('.')))
      throw new UserError(`${rawData} holds pictures already; leave --sample out.`);
    const { drawSample } = await import('./sample.ts');
    await drawSample(rawData);
    return report;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${folder} cannot be written (${reason(error)}); choose another folder.`);
  }
}

function ifThere(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}
