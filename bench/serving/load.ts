import { Agent, request } from 'node:http';

/** A request's body and its content type. */
export interface Body {
  type: string;
  bytes: Buffer;
}

export interface Load {
  /** Milliseconds of each request that was answered with 200. */
  times: number[];
  /** Requests that were answered with another status. */
  failed: number;
  seconds: number;
}

/** A form with one picture, as browsers send it. */
export function formOf(picture: Buffer): Body {
  const boundary = '----bat-sup-bench';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([Buffer.from(head), picture, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

/** @returns the status. */
export function post(url: string, { type, bytes }: Body, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type, 'content-length': bytes.length };
    const sent = request(url, { method: 'POST', headers, ...(agent && { agent }) }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}

/** Keeps `clients` clients busy: each sends the next picture as soon as it has its answer. */
export async function load(url: string, bodies: Body[], clients: number, seconds: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  let failed = 0;
  let next = 0;
  const started = performance.now();
  const client = async () => {
    while (performance.now() - started < seconds * 1000) {
      const before = performance.now();
      const status = await post(url, bodies[next++ % bodies.length] as Body, agent);
      if (status === 200) times.push(performance.now() - before);
      else failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return { times, failed, seconds: (performance.now() - started) / 1000 };
}
