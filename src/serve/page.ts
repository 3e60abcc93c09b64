import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

const folders = ['../page', './page'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/**
 * The page for people. Its files are read once and each has a route of its own, so that no path leads anywhere else;
 * answer.js, which asks this server, is the one beside this module.
 */
export async function addPage(app: FastifyInstance): Promise<void> {
  for (const folder of folders) {
    for (const name of await readdir(folder)) {
      const type = types[extname(name)];
      if (type === undefined) continue;
      const content = await readFile(join(folder, name));
      const url = name === 'index.html' ? '/' : `/${name}`;
      app.get(url, async (_, reply) => reply.type(type).header('cache-control', 'no-cache').send(content));
    }
  }
}
