import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { openDrawings } from '../demo/makers.ts';
import { photograph } from '../demo/pictures.ts';
import { type Drawing, splitDrawings } from '../demo/split.ts';

/** The demo's drawings of animals and food: to learn from, and by a maker that is never shown. */
export const drawings = splitDrawings('1');

/** The n-th photograph of a drawing, JPEG of 140 to 280 pixels a side. */
export function photographOf({ concept, maker }: Drawing, shot: number): Promise<Buffer> {
  return photograph(openDrawings(maker)(concept), seedrandom(`${concept}/${maker}/${shot}`));
}

/** Writes `count` photographs, half of them of each class, as <folder>/<class>/*.jpg. */
export async function writePhotographs(folder: string, count: number): Promise<void> {
  for (const className of ['animals', 'food']) {
    mkdirSync(join(folder, className), { recursive: true });
    const ofClass = drawings.rawdata.filter((drawing) => drawing.className === className);
    for (let i = 0; i < count / 2; i++) {
      const drawing = ofClass[i % ofClass.length] as Drawing;
      const shot = Math.floor(i / ofClass.length);
      const file = join(folder, className, `${drawing.concept}-${drawing.maker}-${shot}.jpg`);
      writeFileSync(file, await photographOf(drawing, shot));
    }
  }
}
