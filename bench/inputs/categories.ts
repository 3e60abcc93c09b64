import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { designers, drawingsIn, openDrawings } from '../../demo/designers.ts';
import { shuffle } from '../../src/dataset/shuffle.ts';

/** A picture of a category. Pictures of one concept are either all for training or all held out. */
interface Source {
  category: string;
  concept: string;
  name: string;
  read(): Promise<Buffer>;
}

/** Pictures that their designers have sorted into categories. */
export const categorySets = { emoji: emojiByCategory, stamps: stampsByCategory };
export type CategorySet = keyof typeof categorySets;

/** Limit per emoji category, which keeps a training short. */
const conceptsOfCategory = 70;
const heldOutShare = 0.25;

const emojiCategories = [
  'Activities',
  'Animals & Nature',
  'Food & Drink',
  'Objects',
  'Smileys & Emotion',
  'Symbols',
  'Travel & Places',
];

/** Emoji that all four designers have drawn and sorted into the same category. */
async function emojiByCategory(): Promise<Source[]> {
  return emojiCategories.flatMap((category) => {
    const [first = [], ...rest] = designers.map((designer) => drawingsIn(designer, category));
    const shared = first.filter((name) => rest.every((drawings) => drawings.includes(name)));
    const concepts = shuffle(shared.sort(), category).slice(0, conceptsOfCategory);
    return designers.flatMap((designer) => {
      const draw = openDrawings(designer);
      return concepts.map((concept) => ({
        category: category.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
        concept,
        name: `${concept}-${designer}`,
        read: async () =>
          Buffer.from(draw(concept).replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"')),
      }));
    });
  });
}

/** Tux Paint's categories of at least forty pictures, without symbols, which are coins and letters. */
const stampCategories = ['animals', 'clothes', 'food', 'household', 'plants', 'seasonal', 'town', 'vehicles'];

/** Photographs and drawings of Debian's package tuxpaint-stamps-default, by its categories. */
async function stampsByCategory(cache: string): Promise<Source[]> {
  const stamps = join(unpackStamps(cache), 'usr/share/tuxpaint/stamps');
  return stampCategories.flatMap((category) => {
    const files = readdirSync(join(stamps, category), { recursive: true, encoding: 'utf8' });
    const pictures = files.filter((file) => /\.(png|svg)$/.test(file)).sort();
    // Some exist in both formats.
    const stems = new Map(pictures.map((file) => [file.replace(/\.\w+$/, ''), file]));
    return [...stems].map(([stem, file]) => ({
      category,
      // 'apple_green' and 'apple-red' are apples.
      concept: /^[a-z]*/i.exec(basename(stem))?.[0].toLowerCase() || basename(stem),
      name: stem.replaceAll(/[^\w-]+/g, '-'),
      read: async () =>
        sharp(join(stamps, category, file))
          .png()
          .toBuffer(),
    }));
  });
}

/** Downloads the package from Debian's archive, once. */
function unpackStamps(cache: string): string {
  const folder = join(cache, 'tuxpaint-stamps-default');
  if (existsSync(folder)) return folder;
  console.error('Downloading the Debian package tuxpaint-stamps-default (161 MB) ...');
  mkdirSync(cache, { recursive: true });
  execFileSync('apt-get', ['download', 'tuxpaint-stamps-default'], { cwd: cache, stdio: ['ignore', 2, 2] });
  const archive = readdirSync(cache).find((file) => /^tuxpaint-stamps-default_.*\.deb$/.test(file)) as string;
  execFileSync('dpkg-deb', ['-x', archive, `${folder}.tmp`], { cwd: cache });
  rmSync(join(cache, archive));
  renameSync(`${folder}.tmp`, folder);
  return folder;
}

/**
 * Writes <folder>/data/<category>/*.png for training and <folder>/held-out/<category>/*.png, once.
 * @returns <folder>.
 */
export async function writeCategories(set: CategorySet, cache: string, size: number): Promise<string> {
  const folder = join(cache, `${set}-${size}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const sources = await categorySets[set](cache);
  for (const category of new Set(sources.map((source) => source.category))) {
    const ofCategory = sources.filter((source) => source.category === category);
    const concepts = [...new Set(ofCategory.map(({ concept }) => concept))].sort();
    const heldOut = new Set(shuffle(concepts, category).slice(0, Math.round(concepts.length * heldOutShare)));
    for (const part of ['data', 'held-out']) mkdirSync(join(temporary, part, category), { recursive: true });
    for (const source of ofCategory) {
      const part = heldOut.has(source.concept) ? 'held-out' : 'data';
      writeFileSync(join(temporary, part, category, `${source.name}.png`), await resized(source, size));
    }
  }
  renameSync(temporary, folder);
  return folder;
}

async function resized(source: Source, size: number): Promise<Buffer> {
  const background = 'white';
  const picture = sharp(await source.read()).resize(size, size, { fit: 'contain', background });
  return picture.flatten({ background }).removeAlpha().toColourspace('srgb').png().toBuffer();
}
