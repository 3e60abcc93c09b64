import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { pngClaiming } from '../../test/helpers/hostile.ts';
import { formOf, post } from './load.ts';
import type { RunningServer } from './servers.ts';

/** What is done to the server, by name; a number is the status that came back. */
type Deed = () => Promise<number | string>;

/** Sends text as it is, and waits for the end of the connection. */
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

/** A body without end, until the server has had enough. */
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

async function deedsAt(url: string, jpegs: Buffer[]): Promise<Record<string, Deed>> {
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
    half: () => raw(picture().subarray(0, 50_000)),
    text: () => raw(Buffer.from('not a picture')),
    'decompression bomb': () => raw(pngClaiming(60_000, 60_000)),
    'no base64': () => post(predict, json({ pictures: [{ data: '!' }] })),
    'deep JSON': () => post(predict, { type: 'application/json', bytes: Buffer.from('['.repeat(100_000)) }),
    'broken form': () =>
      post(predict, { type: 'multipart/form-data; boundary=a', bytes: Buffer.from('--b') }),
    'no end': () => stream(predict),
    'stalled body': () => speak(url, `${head}Content-Length: 1000\r\n\r\nabc`, 15_000),
    'stalled header': () => speak(url, head, 15_000),
    'gone while sending': () => speak(url, `${head}Content-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`, 50),
    'gone while waiting': () =>
      speak(url, `${head}Content-Length: ${png.length}\r\n\r\n${png.toString('latin1')}`, 5),
    'huge header': () =>
      speak(url, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 5000),
    'no HTTP': () => speak(url, '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 5000),
    'other path': () =>
      speak(url, 'GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 5000),
  };
}

/** MiB that a process holds in memory (proc(5)). */
function memoryOf(id: number | undefined): number {
  const status = readFileSync(`/proc/${id}/status`, 'utf8');
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}

/** Does all kinds of things to a server, some a second, and tells of each minute what it held and what it said. */
export async function soak(
  server: RunningServer,
  jpegs: Buffer[],
  { minutes, rate }: { minutes: number; rate: number },
) {
  const deeds = Object.entries(await deedsAt(server.url, jpegs));
  const said: Record<string, Record<string, number>> = {};
  const under = new Set<Promise<void>>();
  const figures: {
    minute: number;
    'RSS MiB': number;
    'most MiB': number;
    requests: number;
    ready: boolean;
  }[] = [];
  let requests = 0;
  for (let minute = 0; minute < minutes; minute++) {
    let most = 0;
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const [name, deed] = deeds[requests++ % deeds.length] as [string, Deed];
      const one = deed()
        .catch((error) => error.code ?? 'failed')
        .then((answer) => {
          said[name] ??= {};
          said[name][answer] = (said[name][answer] ?? 0) + 1;
          under.delete(one);
        });
      under.add(one);
      most = Math.max(most, memoryOf(server.process.pid));
      await sleep(1000 / rate);
    }
    const ready = (await fetch(`${server.url}readyz`)).ok;
    figures.push({
      minute: minute + 1,
      'RSS MiB': memoryOf(server.process.pid),
      'most MiB': most,
      requests,
      ready,
    });
    console.error(Object.values(figures.at(-1) ?? {}).join('  '));
  }
  await Promise.all(under);
  for (const [name, answers] of Object.entries(said)) console.error(name, JSON.stringify(answers));
  const ended = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGTERM');
  console.error(`exit code ${await ended}`);
  return figures;
}
