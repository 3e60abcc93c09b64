import { spawn } from 'node:child_process';
import type { Frame, Page } from 'playwright-core';
import { freePort } from './free_port.ts';
import { python } from './python.ts';

export interface TensorBoard {
  url: string;
  stop(): void;
}

/** The real TensorBoard on a log folder, once it has read these runs. */
export async function startTensorBoard(folder: string, runs: string[]): Promise<TensorBoard> {
  const port = await freePort();
  const flags = ['--logdir', folder, '--host', '127.0.0.1', '--port', String(port), '--reload_interval', '1'];
  const server = spawn(python, ['-m', 'tensorboard.main', ...flags], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await until(`TensorBoard has read ${runs.join(', ')}`, async () => {
    const read = await (await fetch(`${url}/data/runs`)).json();
    return runs.every((run) => read.includes(run));
  });
  return { url, stop: () => void server.kill() };
}

/**
 * Asks until the answer is no longer false or an error.
 * @throws {Error} after ten minutes, which no machine is too busy for, saying what did not come.
 */
export async function until<T>(what: string, ask: () => Promise<T | false>): Promise<T> {
  for (let attempt = 0; attempt < 3000; attempt++) {
    const answer = await ask().catch(() => false as const);
    if (answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`This did not come in time: ${what}`);
}

/** What a page says, in the shadows of its elements and in its frames as well; a line for each text. */
export async function textOf(page: Page): Promise<string> {
  // As a string: what tsx makes of a function calls helpers that the browser does not have.
  const walk = `(() => {
    const texts = [];
    const visit = (node) => {
      for (const child of node.childNodes) {
        if (child.nodeType === Node.TEXT_NODE && child.textContent.trim()) texts.push(child.textContent.trim());
        if (['STYLE', 'SCRIPT', 'NOSCRIPT', 'TEMPLATE'].includes(child.nodeName)) continue;
        visit(child);
        if (child.shadowRoot) visit(child.shadowRoot);
      }
    };
    visit(document.body);
    return texts.join('\\n');
  })()`;
  const texts = await Promise.all(page.frames().map((frame: Frame) => frame.evaluate(walk)));
  return texts.join('\n');
}
