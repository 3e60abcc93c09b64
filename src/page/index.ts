/**
 * The web page that classifies pictures: index.html, style.css and page.ts. Whoever publishes it adds an answer.js,
 * which answer.d.ts describes.
 */
import { readFile } from 'node:fs/promises';

const names = ['index.html', 'style.css', 'page.js'];

/** The files of the page by name, without answer.js. They exist once bat-sup is built. */
export async function readPage(): Promise<Map<string, Buffer>> {
  const read = async (name: string) => [name, await readFile(new URL(name, import.meta.url))] as const;
  return new Map(await Promise.all(names.map(read)));
}
