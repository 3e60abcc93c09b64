import { once } from 'node:events';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves a folder's files below a path like any web server, and nothing else. @param port 0 for a free one. */
export async function serveFolder(
  folder: string,
  path: string,
  port = 0,
): Promise<{ address: string; close(): void }> {
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    const below = pathname.startsWith(path) ? normalize(`/${pathname.slice(path.length)}`) : '/nothing';
    const file = join(folder, below.endsWith('/') ? `${below}index.html` : below);
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const taken = server.address() as { port: number };
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `http://127.0.0.1:${taken.port}${path}`, close };
}
