import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The hands that drew the pictures: one npm package each. */
export const makers = ['noto', 'twemoji', 'fluent-emoji-flat', 'openmoji'] as const;
export type Maker = (typeof makers)[number];

/** What an npm package of drawings holds, as far as the demo reads it. */
interface Package {
  info: { name: string; author: { name: string }; license: { title: string; url: string } };
  icons: { width: number; height: number; icons: Record<string, { body: string }> };
  /** Category -> names of drawings. */
  metadata: { categories: Record<string, string[]> };
}

const require = createRequire(import.meta.url);

const parsed = new Map<string, unknown>();

function read<Part extends keyof Package>(maker: Maker, part: Part): Package[Part] {
  const file = require.resolve(`@iconify-json/${maker}/${part}.json`);
  if (!parsed.has(file)) parsed.set(file, JSON.parse(readFileSync(file, 'utf8')));
  return parsed.get(file) as Package[Part];
}

/** Names of a maker's drawings in a category; "Food & Drink" is "Food Drink" with some makers. */
export function drawingsIn(maker: Maker, category: string): string[] {
  const { categories } = read(maker, 'metadata');
  const name = category in categories ? category : category.replace(' & ', ' ');
  return categories[name] ?? [];
}

/** Gives a maker's drawings by name, each as a complete SVG element of the viewBox's size. */
export function openDrawings(maker: Maker): (name: string) => string {
  const { width, height, icons } = read(maker, 'icons');
  return (name) => {
    const icon = icons[name];
    if (!icon) throw new Error(`@iconify-json/${maker} has no drawing "${name}".`);
    return `<svg viewBox="0 0 ${width} ${height}">${icon.body}</svg>`;
  };
}

/** e.g. "Noto Emoji by Google Inc, Apache 2.0" */
export function credit(maker: Maker): string {
  const { name, author, license } = read(maker, 'info');
  return `${name} by ${author.name}, ${license.title} (${license.url})`;
}
