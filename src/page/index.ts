/**
 * The page that asks a network about pictures: index.html, style.css and page.ts. Whoever shows it puts an answer.js
 * beside them, which answer.d.ts describes.
 */
import { readFile } from 'node:fs/promises';

const names = ['index.html', 'style.css', 'page.js'];

/** The page's files by name, all but answer.js. They are there once bat-sup is built. */
export async function readPage(): Promise<Map<string, Buffer>> {
  const read = async (name: string) => [name, await readFile(new URL(name, import.meta.url))] as const;
  return new Map(await Promise.all(names.map(read)));
}
