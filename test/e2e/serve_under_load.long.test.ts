/** bat-sup serve under load: newer checkpoints, a full queue, and shutting down. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { damage, saveNetwork, startServer, type TestServer } from '../helpers/server.ts';
import { until } from '../helpers/until.ts';

let engine: Engine;
let bat: Buffer;
/** Takes a while to decode. */
let large: Buffer;

before(async () => {
  engine = await startEngine('cpu', { threads: 1 });
  bat = await emoji('bat', 128).jpeg().toBuffer();
  large = await emoji('bat', 3000).toBuffer();
});
after(() => engine.dispose());

interface Said {
  status: number;
  headers: Record<string, unknown>;
  body: { checkpoint?: string; detail?: string };
}

/** The result of one request: an answer, or an error code. */
type Outcome = Said | string;

/** Milliseconds that a server which is shutting down keeps idle connections open. */
const linger = 1000;
/** Time of the last answer on a connection, by the server's Date header, in whole seconds. */
const answered = new WeakMap<Socket, number>();

/** Sends a picture over the agent's connections. */
function ask(server: TestServer, picture: Buffer, agent: Agent): Promise<Outcome> {
  return new Promise((resolve) => {
    let idle = 0;
    const headers = { 'content-type': 'image/png', 'content-length': picture.length };
    const sent = request(`${server.url}predict`, { method: 'POST', agent, headers }, (response) => {
      answered.set(response.socket, Date.parse(response.headers.date ?? ''));
      let text = '';
      response.on('data', (data) => {
        text += data;
      });
      response.on('error', (error) => resolve(`answer: ${error.message}`));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }),
      );
    });
    sent.on('socket', (socket) => {
      idle = Date.now() - (answered.get(socket) ?? Date.now());
    });
    // If this process was busy the connection may be closed; clients then use another one.
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve(idle >= linger ? ask(server, picture, agent) : (error.code ?? error.message)),
    );
    sent.end(picture);
  });
}

/** Clients that send one request after the other until they are stopped; outcomes in order. */
function clients(server: TestServer, count: number) {
  const agent = new Agent({ keepAlive: true });
  const outcomes: Outcome[] = [];
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      const outcome = await ask(server, bat, agent);
      outcomes.push(outcome);
      // There was no connection, so nothing was lost.
      if (outcome === 'ECONNREFUSED') return;
    }
  };
  const all = Promise.all(Array.from({ length: count }, client));
  return {
    outcomes,
    async stop() {
      stopped = true;
      await all;
      agent.destroy();
      return outcomes;
    },
  };
}

const isAnswer = (outcome: Outcome): outcome is Said => typeof outcome !== 'string' && outcome.status === 200;
const answersOf = (outcomes: Outcome[]) => outcomes.filter(isAnswer);

async function stop(server: TestServer, signal: NodeJS.Signals = 'SIGTERM') {
  server.process.kill(signal);
  return server.ended;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} under load loses no request`, async () => {
    const folder = temporaryFolder();
    await saveNetwork(folder, 1, 0.5);
    const server = await startServer(folder);
    const load = clients(server, 12);
    await until(() => answersOf(load.outcomes).length > 100);
    const { code, stderr } = await stop(server, signal);
    const others = (await load.stop()).filter((outcome) => !isAnswer(outcome));
    assert.deepEqual([...new Set(others)], ['ECONNREFUSED']);
    assert.equal(code, 0, stderr);
  });

/** Whether the server no longer accepts connections. */
async function letsNobodyIn({ port }: TestServer): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const refused = await once(socket, 'connect').then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}

test('while shutting down it is not ready, and still answers connected clients', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  // A connection with a partial request is not idle; the server waits ten seconds for the rest of the header.
  const begun = connect(server.port, '127.0.0.1');
  begun.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n');
  const agent = new Agent();
  assert.ok(isAnswer(await ask(server, bat, agent)));
  server.process.kill('SIGTERM');
  await until(() => server.said().includes('then stopping'));
  await until(() => letsNobodyIn(server));
  begun.write('\r\n');
  const answer = await text(begun);
  assert.match(answer, /^HTTP\/1.1 503 /);
  assert.match(answer, /^connection: close$/im);
  assert.equal((await server.ended).code, 0);
});

test('a newer checkpoint is loaded once it is there, without losing a request', async () => {
  const folder = temporaryFolder();
  const first = await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  const load = clients(server, 6);
  const answeredBy = (checkpoint: string) =>
    until(() => answersOf(load.outcomes).at(-1)?.body.checkpoint === checkpoint);
  await answeredBy(first);
  const better = await saveNetwork(folder, 2, 0.6);
  await answeredBy(better);
  // Not the best, so predict would not use it either.
  await saveNetwork(folder, 3, 0.4);
  const outcomes = await load.stop();
  assert.equal(answersOf(outcomes).length, outcomes.length);
  const order = answersOf(outcomes).map(({ body }) => body.checkpoint);
  assert.equal(order.indexOf(better), order.lastIndexOf(first) + 1, 'one after the other');
  await stop(server);
});

test('a damaged newer checkpoint is reported, and the old one remains in use', async () => {
  const folder = temporaryFolder();
  const first = await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  const elsewhere = temporaryFolder();
  const damaged = await saveNetwork(elsewhere, 2, 0.9);
  damage(join(elsewhere, damaged, 'weights.bin'));
  renameSync(join(elsewhere, damaged), join(folder, damaged));
  await until(() => server.said().includes('is damaged'));
  assert.match(server.said(), new RegExp(`${damaged}/weights.bin is damaged .* Used instead: ${first}`));
  const agent = new Agent();
  const outcome = (await ask(server, bat, agent)) as Said;
  assert.deepEqual([outcome.status, outcome.body.checkpoint], [200, first]);
  const whole = await saveNetwork(folder, 3, 0.95);
  await until(() => server.said().includes(`now using ${whole}`));
  await stop(server);
});

test('a full queue answers 429 with Retry-After, and accepted requests are answered', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder, ['--max-queue', '3']);
  const agent = new Agent();
  const isRefused = (outcome: Outcome): outcome is Said => !isAnswer(outcome);
  let refused: Said[] = [];
  // However slowly they arrive, sooner or later they come faster than they are answered.
  while (refused.length === 0) {
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => ask(server, large, agent)));
    assert.ok(answersOf(outcomes).length >= 3);
    refused = outcomes.filter(isRefused);
  }
  for (const { status, headers, body } of refused) {
    assert.deepEqual([status, headers['retry-after']], [429, '1']);
    assert.match(body.detail ?? '', /server is busy/);
  }
  assert.ok(isAnswer(await ask(server, bat, agent)));
  await stop(server);
});

test('a request that times out gets 503 and leaves the queue', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder, ['--timeout', '1']);
  const huge = await emoji('bat', 6900).toBuffer();
  const agent = new Agent();
  let late: Said[] = [];
  // A request that also arrived too late gets 408 instead.
  while (late.length === 0) {
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => ask(server, huge, agent)));
    late = outcomes.filter(
      (outcome): outcome is Said => typeof outcome !== 'string' && outcome.status === 503,
    );
  }
  assert.match(late[0]?.body.detail ?? '', /no answer within 1 s/);
  await until(async () => isAnswer(await ask(server, bat, agent)));
  await stop(server);
});
