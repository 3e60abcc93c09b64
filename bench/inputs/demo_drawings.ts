import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import sharp from 'sharp';
import { drawingsIn, openDrawings } from '../../demo/designers.ts';
import { photograph } from '../../demo/pictures.ts';
import { type Drawing, heldOutDesigner, splitDrawings } from '../../demo/split.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';

/**
 * Writes the demo's pictures, stretched to size x size pixels, once: <folder>/data/<class>/*.png, three of each drawing,
 * and <folder>/held-out/<class>/*.png, drawings by a designer that data/ has nothing of.
 * @returns <folder>.
 */
export async function writeDemoDrawings(cache: string, size: number): Promise<string> {
  const folder = join(cache, `demo-${size}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const { rawdata, seen, unseen } = splitDrawings('1');
  await writeDrawings(join(temporary, 'data'), rawdata, 3, size);
  await writeDrawings(join(temporary, 'held-out'), [...seen, ...unseen], 1, size);
  renameSync(temporary, folder);
  return folder;
}

async function writeDrawings(
  folder: string,
  drawings: Drawing[],
  times: number,
  size: number,
): Promise<void> {
  for (const { className, concept, designer } of drawings) {
    mkdirSync(join(folder, className), { recursive: true });
    for (let shot = 1; shot <= times; shot++) {
      const picture = await photograph(
        openDrawings(designer)(concept),
        seedrandom(`1/${concept}/${designer}/${shot}`),
      );
      const file = join(folder, className, `${concept}-${designer}-${shot}.png`);
      await sharp(picture).resize(size, size, { fit: 'fill' }).toFile(file);
    }
  }
}

/** Categories that neither of the demo's classes is part of. */
export const otherCategories = ['Activities', 'Objects', 'Symbols', 'Travel & Places'];
const drawingsPerCategory = 60;

/**
 * Writes drawings of none of the demo's classes, photographed like these, once: <folder>/<category>/*.png, by the designer
 * that data/ has nothing of.
 * @returns <folder>.
 */
export async function writeOtherDrawings(cache: string, size: number): Promise<string> {
  const folder = join(cache, `demo-others-${size}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const draw = openDrawings(heldOutDesigner);
  for (const category of otherCategories) {
    mkdirSync(join(temporary, category), { recursive: true });
    const names = shuffle(drawingsIn(heldOutDesigner, category).sort(), category);
    for (const name of names.slice(0, drawingsPerCategory)) {
      const picture = await photograph(draw(name), seedrandom(`1/${name}/others`));
      await sharp(picture)
        .resize(size, size, { fit: 'fill' })
        .toFile(join(temporary, category, `${name}.png`));
    }
  }
  renameSync(temporary, folder);
  return folder;
}
