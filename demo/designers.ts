import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Designers of the drawings: one npm package each. */
export const designers = ['noto', 'twemoji', 'fluent-emoji-flat', 'openmoji'] as const;
export type Designer = (typeof designers)[number];

/** The parts of such a package that the demo reads. */
interface Package {
  info: { name: string; author: { name: string }; license: { title: string; url: string } };
  icons: { width: number; height: number; icons: Record<string, { body: string }> };
  /** Category -> names of drawings. */
  metadata: { categories: Record<string, string[]> };
}

const require = createRequire(import.meta.url);

const parsed = new Map<string, unknown>();

function read<Part extends keyof Package>(designer: Designer, part: Part): Package[Part] {
  const file = require.resolve(`@iconify-json/${designer}/${part}.json`);
  if (!parsed.has(file)) parsed.set(file, JSON.parse(readFileSync(file, 'utf8')));
  return parsed.get(file) as Package[Part];
}

/** Names of a designer's drawings in a category. Some designers write "Food & Drink" as "Food Drink". */
export function drawingsIn(designer: Designer, category: string): string[] {
  const { categories } = read(designer, 'metadata');
  const name = category in categories ? category : category.replace(' & ', ' ');
  return categories[name] ?? [];
}

/** @returns a function that gives a drawing by its name, as an SVG element with a viewBox and without a size. */
export function openDrawings(designer: Designer): (name: string) => string {
  const { width, height, icons } = read(designer, 'icons');
  return (name) => {
    const icon = icons[name];
    if (!icon) throw new Error(`@iconify-json/${designer} has no drawing "${name}".`);
    return `<svg viewBox="0 0 ${width} ${height}">${icon.body}</svg>`;
  };
}

/** For example "Noto Emoji by Google Inc, Apache 2.0 (https://...)". */
export function credit(designer: Designer): string {
  const { name, author, license } = read(designer, 'info');
  return `${name} by ${author.name}, ${license.title} (${license.url})`;
}
