import { spawn } from 'node:child_process';
import type { Frame, Page } from 'playwright-core';
import { freePort } from './free_port.ts';
import { python } from './python.ts';
import { until } from './until.ts';

/** What an address answers; false where it does not answer with JSON, or not yet. */
export async function jsonAt(url: string) {
  try {
    return await (await fetch(url)).json();
  } catch {
    return false;
  }
}

export interface TensorBoard {
  url: string;
  stop(): void;
}

/** Starts the real TensorBoard on a log folder and waits until it has read these runs. */
export async function startTensorBoard(folder: string, runs: string[]): Promise<TensorBoard> {
  const port = await freePort();
  const flags = ['--logdir', folder, '--host', '127.0.0.1', '--port', String(port), '--reload_interval', '1'];
  const server = spawn(python, ['-m', 'tensorboard.main', ...flags], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    const read = await jsonAt(`${url}/data/runs`);
    return read !== false && runs.every((run) => read.includes(run));
  });
  return { url, stop: () => void server.kill() };
}

/** The text of a page, including shadow roots and frames, one line per text node. */
export async function textOf(page: Page): Promise<string> {
  // A string, because tsx compiles functions to call helpers that the browser does not have.
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
