import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { shuffle } from '../../src/dataset/shuffle.ts';
import { type CategorySet, writeCategories } from './categories.ts';

/** Pictures of each part: so many with one drawing, and as many with two of different categories. */
const counts = { data: 400, 'held-out': 200 };

/** A drawing at half its size, on white, left or right of the middle. */
interface Placed {
  file: string;
  left: number;
  top: number;
}

async function compose(drawings: Placed[], size: number): Promise<Buffer> {
  const half = size / 2;
  const layers = drawings.map(async ({ file, left, top }) => ({
    input: await sharp(file).resize(half, half).png().toBuffer(),
    left,
    top,
  }));
  return sharp({ create: { width: size, height: size, channels: 3, background: 'white' } })
    .composite(await Promise.all(layers))
    .png()
    .toBuffer();
}

/**
 * Writes <folder>/data/<category>/*.png and <folder>/held-out/<category>/*.png, once: pictures of one or two drawings of a
 * set, of concepts that are either all for training or all held out. A picture of two categories lies in both folders.
 * @returns <folder>.
 */
export async function writePairs(set: CategorySet, cache: string, size: number): Promise<string> {
  const folder = join(cache, `pairs-${set}-${size}`);
  if (existsSync(folder)) return folder;
  const drawings = await writeCategories(set, cache, size);
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  for (const [part, count] of Object.entries(counts)) {
    // A training on these pictures leaves a hidden folder there.
    const categories = readdirSync(join(drawings, part))
      .filter((name) => !name.startsWith('.'))
      .sort();
    const all = categories.flatMap((category) =>
      readdirSync(join(drawings, part, category))
        .sort()
        .map((name) => ({ category, file: join(drawings, part, category, name) })),
    );
    for (const category of categories) mkdirSync(join(temporary, part, category), { recursive: true });
    const order = shuffle([...all.keys()], `${set}/${part}/first`).map((index) => all[index]);
    const others = shuffle([...all.keys()], `${set}/${part}/second`).map((index) => all[index]);
    for (let index = 0; index < 2 * count; index++) {
      const first = order[index % order.length] as (typeof all)[number];
      const second = others.slice(index % others.length).find((one) => one?.category !== first.category);
      const shown = index % 2 === 0 || !second ? [first] : [first, second];
      const top = (at: number) => ((index * 37 + at * 53) % 100) * (size / 200);
      const placed = shown.map(({ file }, at) => ({
        file,
        left: at === 0 ? 0 : size / 2,
        top: Math.round(top(at)),
      }));
      const picture = await compose(placed, size);
      for (const { category } of shown)
        writeFileSync(join(temporary, part, category, `${String(index).padStart(4, '0')}.png`), picture);
    }
  }
  renameSync(temporary, folder);
  return folder;
}
