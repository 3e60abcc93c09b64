import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { readPage } from '../page/index.ts';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Serves the web page. Each file has a route of its own, so no path can reach any other file. */
export async function addPage(app: FastifyInstance): Promise<void> {
  const files = await readPage();
  files.set('answer.js', await readFile(new URL('answer.js', import.meta.url)));
  for (const [name, content] of files) {
    const url = name === 'index.html' ? '/' : `/${name}`;
    app.get(url, async (_, reply) =>
      reply
        .type(types[extname(name)] as string)
        .header('cache-control', 'no-cache')
        .send(content),
    );
  }
}
