import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { pngClaiming } from '../../test/helpers/hostile.ts';
import { formOf, post } from './load.ts';
import type { RunningServer } from './servers.ts';

/** @returns the status that came back, or what happened instead. */
type Action = () => Promise<number | string>;

/** Sends raw text, and waits for the end of the connection or for `milliseconds`. */
function speak(url: string, text: string, milliseconds: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    const timer = setTimeout(() => socket.destroy(), milliseconds);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 'cut off');
    });
  });
}

/** Sends a body without end until the server stops it. */
function stream(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    const chunk = Buffer.alloc(1 << 16);
    const sent = request(url, { method: 'POST', headers: { 'content-type': 'image/jpeg' } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      sent.destroy();
    });
    const fill = () => {
      while (!sent.destroyed && sent.write(chunk));
    };
    sent.on('drain', fill).on('error', () => resolve('cut off'));
    fill();
  });
}

async function actionsAgainst(url: string, jpegs: Buffer[]): Promise<Record<string, Action>> {
  const predict = `${url}predict`;
  let next = 0;
  const picture = () => jpegs[next++ % jpegs.length] as Buffer;
  const json = (value: unknown) => ({ type: 'application/json', bytes: Buffer.from(JSON.stringify(value)) });
  const raw = (bytes: Buffer) => post(predict, { type: 'image/jpeg', bytes });
  const png = await sharp(jpegs[0]).png().toBuffer();
  const large = await sharp(jpegs[0]).resize(6000, 4500).jpeg({ progressive: true }).toBuffer();
  const head = 'POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n';
  return {
    form: () => post(predict, formOf(picture())),
    raw: () => raw(picture()),
    json: () => post(predict, json({ pictures: [{ data: picture().toString('base64') }] })),
    'heat map': () => post(`${predict}?heatmap=true`, formOf(picture())),
    png: () => raw(png),
    '27 megapixels, progressive': () => raw(large),
    'half a JPEG': () => raw(picture().subarray(0, 50_000)),
    text: () => raw(Buffer.from('not a picture')),
    'decompression bomb': () => raw(pngClaiming(60_000, 60_000)),
    'not base64': () => post(predict, json({ pictures: [{ data: '!' }] })),
    'deep JSON': () => post(predict, { type: 'application/json', bytes: Buffer.from('['.repeat(100_000)) }),
    'broken form': () =>
      post(predict, { type: 'multipart/form-data; boundary=a', bytes: Buffer.from('--b') }),
    'endless body': () => stream(predict),
    'stalled body': () => speak(url, `${head}Content-Length: 1000\r\n\r\nabc`, 15_000),
    'stalled header': () => speak(url, head, 15_000),
    'client leaves while sending': () =>
      speak(url, `${head}Content-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`, 50),
    'client leaves while waiting': () =>
      speak(url, `${head}Content-Length: ${png.length}\r\n\r\n${png.toString('latin1')}`, 5),
    'huge header': () =>
      speak(url, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 5000),
    'not HTTP': () => speak(url, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 5000),
    'other path': () =>
      speak(url, 'GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 5000),
  };
}

/** MiB of a process's resident memory (proc(5)). */
function memoryOf(id: number | undefined): number {
  const status = readFileSync(`/proc/${id}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

/**
 * Sends a server all kinds of requests, `rate` of them per second. Stops the server at the end.
 * @returns its memory in each minute; what it answered goes to stderr.
 */
export async function soak(
  server: RunningServer,
  jpegs: Buffer[],
  { minutes, rate }: { minutes: number; rate: number },
) {
  const actions = Object.entries(await actionsAgainst(server.url, jpegs));
  const answers: Record<string, Record<string, number>> = {};
  const pending = new Set<Promise<void>>();
  const figures: {
    minute: number;
    'RSS MiB': number;
    'peak MiB': number;
    requests: number;
    ready: boolean;
  }[] = [];
  let requests = 0;
  for (let minute = 0; minute < minutes; minute++) {
    let peak = 0;
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const [name, act] = actions[requests++ % actions.length] as [string, Action];
      const one = act()
        .catch((error) => error.code ?? 'failed')
        .then((answer) => {
          answers[name] ??= {};
          answers[name][answer] = (answers[name][answer] ?? 0) + 1;
          pending.delete(one);
        });
      pending.add(one);
      peak = Math.max(peak, memoryOf(server.process.pid));
      await sleep(1000 / rate);
    }
    const ready = (await fetch(`${server.url}readyz`)).ok;
    figures.push({
      minute: minute + 1,
      'RSS MiB': memoryOf(server.process.pid),
      'peak MiB': peak,
      requests,
      ready,
    });
    console.error(Object.values(figures.at(-1) ?? {}).join('  '));
  }
  await Promise.all(pending);
  for (const [name, counts] of Object.entries(answers)) console.error(name, JSON.stringify(counts));
  const ended = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGTERM');
  console.error(`exit code ${await ended}`);
  return figures;
}
